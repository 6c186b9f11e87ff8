import FunctionModel
import Synchronization
import SystemCalls

/// The zygotes of this host, one for each language in use, and which worker came from which.
final class Zygotes: Sendable {
    private struct State {
        var running: [Language: ZygoteProcess] = [:]
        /// Workers whose process has not been reported ended, by number.
        var workers: [UInt64: (worker: Worker, zygote: ObjectIdentifier)] = [:]
        var isShutDown = false
    }

    let executables: WorkerExecutables
    private let sandbox: SandboxRequest
    private let state = Mutex(State())

    init(executables: WorkerExecutables, sandbox: SandboxRequest) {
        self.executables = executables
        self.sandbox = sandbox
    }

    var sandboxReports: [SandboxReport] {
        state.withLock { Array($0.running.values) }.compactMap(\.sandboxReport).sorted { $0.language.id < $1.language.id }
    }

    deinit { state.withLock { for zygote in $0.running.values { zygote.close() } } }

    /// The language's zygote, started if there is none.
    @discardableResult
    func start(_ language: Language) throws -> ZygoteProcess {
        // Spawning takes a millisecond and happens once; whoever needs it meanwhile waits for the same one.
        try state.withLock { state in try start(language, &state) }
    }

    private func start(_ language: Language, _ state: inout sending State) throws -> ZygoteProcess {
        if state.isShutDown { throw ShuttingDown() }
        if let zygote = state.running[language] { return zygote }
        let zygote = try ZygoteProcess(language: language, executable: try executables.path(for: language), sandbox: sandbox) { [weak self] zygote, event in
            self?.handle(event, of: zygote)
        }
        state.running[language] = zygote
        return zygote
    }

    /// Asks for a process for this worker that serves `socket`.
    func fork(_ worker: Worker, socket: Int32, language: Language) throws {
        let zygote = try start(language)
        state.withLock { $0.workers[worker.id] = (worker, ObjectIdentifier(zygote)) }
        guard zygote.fork(worker: worker.id, socket: socket) else {
            forget(worker)
            throw ZygoteProcess.ended(language, nil)
        }
    }

    func forget(_ worker: Worker) {
        state.withLock { $0.workers[worker.id] = nil }
    }

    private func handle(_ event: ZygoteProcess.Event, of zygote: ZygoteProcess) {
        switch event {
        case .forked(let id, let handle):
            if let worker = state.withLock({ $0.workers[id]?.worker }) {
                worker.attach(handle: handle)
            } else {
                Processes.kill(handle: handle)
                Descriptors.close(handle)
            }
        case .forkFailed(let id, let reason):
            state.withLock { $0.workers[id]?.worker }?.fail(Overloaded("A worker cannot be started: \(reason)"))
        case .exited(let id, let exit):
            state.withLock { $0.workers[id]?.worker }?.processHasEnded(exit)
        case .zygoteEnded(let exit):
            let orphans = state.withLock { state in
                if state.running[zygote.language] === zygote { state.running[zygote.language] = nil }
                return state.workers.values.filter { $0.zygote == ObjectIdentifier(zygote) }.map(\.worker)
            }
            let error = zygote.endError(exit)
            for worker in orphans { worker.zygoteHasEnded(error) }
        }
    }

    /// Ends all zygotes, and waits for it.
    func shutDown() async {
        let running = state.withLock { state in
            state.isShutDown = true
            return Array(state.running.values)
        }
        for zygote in running { await zygote.end() }
    }
}
