import FunctionModel
import Synchronization
import SystemCalls

/// The zygotes of this host: one for each language in use, and one for each set of folders that a function in use reads; the processes they have forked; and which of those are spares: forked
/// and ready for a function, before there is one.
final class Zygotes: Sendable {
    /// A process that has not been reported ended.
    private enum Process {
        case worker(Worker)
        /// `socket` is our end; `handle` its pidfd, once the zygote has reported it. Both are owned here.
        case spare(socket: Int32, handle: Int32?)
    }

    private struct State {
        var running: [ZygoteKind: ZygoteProcess] = [:]
        /// By the number that the zygote knows them under.
        var processes: [UInt64: (process: Process, zygote: ObjectIdentifier)] = [:]
        var spares: [Language: [UInt64]] = [:]
        var lastNumber: UInt64 = 0
        var isShutDown = false
    }

    let executables: WorkerExecutables
    private let sandbox: SandboxRequest
    private let spareCount: Int
    private let state = Mutex(State())

    /// - Parameter spareCount: how many spares to keep for each language.
    init(executables: WorkerExecutables, sandbox: SandboxRequest, spareCount: Int) {
        self.executables = executables
        self.sandbox = sandbox
        self.spareCount = spareCount
    }

    var sandboxReports: [SandboxReport] {
        state.withLock { $0.running.filter { $0.key.folders.isEmpty }.map(\.value) }.compactMap(\.sandboxReport)
            .sorted { $0.language.id < $1.language.id }
    }

    deinit {
        state.withLock { state in
            for zygote in state.running.values { zygote.close() }
            for (process, _) in state.processes.values { Self.discard(process) }
        }
    }

    /// The zygote of this kind, started if there is none.
    @discardableResult
    func start(_ kind: ZygoteKind) throws -> ZygoteProcess {
        // Happens once; whoever needs it meanwhile gets the same one.
        try state.withLock { state in try start(kind, &state) }
    }

    private func start(_ kind: ZygoteKind, _ state: inout sending State) throws -> ZygoteProcess {
        if state.isShutDown { throw ShuttingDown() }
        if let zygote = state.running[kind] { return zygote }
        let zygote = try ZygoteProcess(kind: kind, executable: try executables.path(for: kind.language), sandbox: sandbox) { [weak self] zygote, event in
            self?.handle(event, of: zygote)
        }
        state.running[kind] = zygote
        return zygote
    }

    // MARK: Processes

    /// A process for this worker: a spare, or one that is being forked.
    /// - Returns: the host's end of its socket, which becomes the caller's.
    func makeProcess(for worker: Worker) throws -> Int32 {
        let definition = worker.function.definition
        let kind = definition.zygoteKind
        // An engine that is to keep its state starts with other settings than a spare's.
        if definition.isolation != .instance, kind.folders.isEmpty, let (socket, handle) = takeSpare(for: worker, definition.language) {
            if let handle { worker.attach(handle: handle) }
            return socket
        }
        let (ours, theirs) = try Sockets.makeStreamPair()
        defer { Descriptors.close(theirs) }
        do {
            try fork(.worker(worker), socket: theirs, kind)
        } catch {
            Descriptors.close(ours)
            throw error
        }
        return ours
    }

    private func takeSpare(for worker: Worker, _ language: Language) -> (socket: Int32, handle: Int32?)? {
        state.withLock { state in
            guard !state.isShutDown, let number = state.spares[language]?.popLast(), let entry = state.processes[number],
                case .spare(let socket, let handle) = entry.process
            else { return nil }
            state.processes[number] = (.worker(worker), entry.zygote)
            return (socket, handle)
        }
    }

    /// Makes up for the spares that have been taken. Called when nobody waits for it.
    func refill(_ language: Language) {
        for _ in 0..<spareCount {
            guard state.withLock({ $0.spares[language]?.count ?? 0 }) < spareCount else { return }
            guard let (ours, theirs) = try? Sockets.makeStreamPair() else { return }
            defer { Descriptors.close(theirs) }
            // Without a spare, a worker is forked when it is needed.
            guard (try? fork(.spare(socket: ours, handle: nil), socket: theirs, ZygoteKind(language: language))) != nil else { return Descriptors.close(ours) }
        }
    }

    private func fork(_ process: Process, socket: Int32, _ kind: ZygoteKind) throws {
        // In one look: a zygote without processes may be on its way out.
        let (zygote, number, isSpare) = try state.withLock { state in
            let zygote = try start(kind, &state)
            state.lastNumber += 1
            state.processes[state.lastNumber] = (process, ObjectIdentifier(zygote))
            if case .spare = process {
                state.spares[kind.language, default: []].append(state.lastNumber)
                return (zygote, state.lastNumber, true)
            }
            return (zygote, state.lastNumber, false)
        }
        guard zygote.fork(worker: number, isSpare: isSpare, socket: socket) else {
            _ = remove(number)
            throw ZygoteProcess.ended(kind.language, nil)
        }
    }

    private func remove(_ number: UInt64) -> Process? {
        state.withLock { state in
            for language in state.spares.keys { state.spares[language]!.removeAll { $0 == number } }
            return state.processes.removeValue(forKey: number)?.process
        }
    }

    /// A spare that is no more.
    private static func discard(_ process: Process) {
        guard case .spare(let socket, let handle) = process else { return }
        Descriptors.close(socket)
        if let handle { Descriptors.close(handle) }
    }

    // MARK: What zygotes report

    private func handle(_ event: ZygoteProcess.Event, of zygote: ZygoteProcess) {
        switch event {
        case .forked(let number, let handle):
            forked(number, handle)
        case .forkFailed(let number, let reason):
            guard let process = remove(number) else { return }
            if case .worker(let worker) = process { worker.fail(Overloaded("A worker cannot be started: \(reason)")) }
            Self.discard(process)
        case .exited(let number, let exit):
            guard let process = remove(number) else { return }
            if case .worker(let worker) = process { worker.processHasEnded(exit) }
            Self.discard(process)
            endIfUnused(zygote)
        case .zygoteEnded(let error):
            let orphans = state.withLock { state in
                if state.running[zygote.kind] === zygote { state.running[zygote.kind] = nil }
                let orphans = state.processes.filter { $0.value.zygote == ObjectIdentifier(zygote) }
                for number in orphans.keys { state.processes[number] = nil }
                state.spares[zygote.language]?.removeAll { orphans[$0] != nil }
                return orphans.values.map(\.process)
            }
            for process in orphans {
                if case .worker(let worker) = process { worker.zygoteHasEnded(error) }
                Self.discard(process)
            }
        }
    }

    /// There are as many kinds as sets of folders, so a zygote with folders goes with its last worker.
    private func endIfUnused(_ zygote: ZygoteProcess) {
        guard !zygote.kind.folders.isEmpty else { return }
        let isUnused = state.withLock { state in
            guard !state.processes.values.contains(where: { $0.zygote == ObjectIdentifier(zygote) }), state.running[zygote.kind] === zygote
            else { return false }
            state.running[zygote.kind] = nil
            return true
        }
        if isUnused { zygote.close() }
    }

    private func forked(_ number: UInt64, _ handle: Int32) {
        let worker: Worker?? = state.withLock { state in
            guard let entry = state.processes[number] else { return nil }
            switch entry.process {
            case .worker(let worker): return .some(worker)
            case .spare(let socket, _):
                state.processes[number]!.process = .spare(socket: socket, handle: handle)
                return .some(nil)
            }
        }
        switch worker {
        case .some(let worker?): worker.attach(handle: handle)
        case .some(nil): break
        case nil:
            Processes.kill(handle: handle)
            Descriptors.close(handle)
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

extension FunctionDefinition {
    var zygoteKind: ZygoteKind { ZygoteKind(language: language, folders: folders.all) }
}
