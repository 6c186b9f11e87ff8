import FunctionModel
import Synchronization
import SystemCalls

/// The zygotes of this host, one for each language in use; the processes they have forked; and which of those are spares: forked
/// and ready for a function, before there is one.
///
/// A zygote that has served long enough (``ZygoteAge``) gets a successor, which forks from the moment when its engine has started.
/// The old one is kept for its workers, of whose namespaces it is process number 1, and ends after the last of them.
final class Zygotes: Sendable {
    /// A process that has not been reported ended.
    private enum Process {
        case worker(Worker)
        /// `socket` is our end; `handle` its pidfd, once the zygote has reported it. Both are owned here.
        case spare(socket: Int32, handle: Int32?)
    }

    private struct State {
        var running: [Language: (zygote: ZygoteProcess, age: ZygoteAge)] = [:]
        /// They start, and nobody waits for it.
        var successors: [Language: ZygoteProcess] = [:]
        /// They have a successor, and workers that have not ended.
        var retiring: [ObjectIdentifier: ZygoteProcess] = [:]
        /// By the number that the zygote knows them under.
        var processes: [UInt64: (process: Process, zygote: ObjectIdentifier)] = [:]
        var spares: [Language: [UInt64]] = [:]
        var lastNumber: UInt64 = 0
        var isShutDown = false

        var zygotes: [ZygoteProcess] { running.values.map(\.zygote) + successors.values + retiring.values }
    }

    let executables: WorkerExecutables
    private let sandbox: SandboxRequest
    private let spareCount: Int
    private let ageLimits: ZygoteAge.Limits
    private let state = Mutex(State())

    /// - Parameter spareCount: how many spares to keep for each language.
    init(executables: WorkerExecutables, sandbox: SandboxRequest, spareCount: Int, ageLimits: ZygoteAge.Limits) {
        self.ageLimits = ageLimits
        self.executables = executables
        self.sandbox = sandbox
        self.spareCount = spareCount
    }

    var sandboxReports: [SandboxReport] {
        state.withLock { $0.running.values.map(\.zygote) }.compactMap(\.sandboxReport).sorted { $0.language.id < $1.language.id }
    }

    deinit {
        state.withLock { state in
            for zygote in state.zygotes { zygote.close() }
            for (process, _) in state.processes.values { Self.discard(process) }
        }
    }

    /// The language's zygote, started if there is none.
    @discardableResult
    func start(_ language: Language) throws -> ZygoteProcess {
        // Happens once; whoever needs it meanwhile gets the same one.
        try state.withLock { state in try start(language, &state) }
    }

    private func start(_ language: Language, _ state: inout sending State) throws -> ZygoteProcess {
        if state.isShutDown { throw ShuttingDown() }
        if let (zygote, _) = state.running[language] { return zygote }
        let zygote = try make(language)
        state.running[language] = (zygote, ZygoteAge(limits: ageLimits, now: MonotonicClock.now()))
        return zygote
    }

    private func make(_ language: Language) throws -> ZygoteProcess {
        try ZygoteProcess(language: language, executable: try executables.path(for: language), sandbox: sandbox) { [weak self] zygote, event in
            self?.handle(event, of: zygote)
        }
    }

    // MARK: Renewal

    /// Starts successors of the zygotes that have served long enough. Called every now and then.
    func renew(now: Int64) {
        state.withLock { state in
            guard !state.isShutDown else { return }
            for (language, (_, age)) in state.running where state.successors[language] == nil && age.isOver(now: now) {
                state.successors[language] = try? make(language)
                if state.successors[language] == nil { state.running[language]!.age.postpone(now: now) }
            }
        }
    }

    /// The engine of a successor has started: from now on it forks.
    private func succeed(_ zygote: ZygoteProcess) {
        let language = zygote.language
        let spares: [Process]? = state.withLock { state in
            guard state.successors[language] === zygote else { return nil }
            state.successors[language] = nil
            let spares = (state.spares.removeValue(forKey: language) ?? []).compactMap { state.processes.removeValue(forKey: $0)?.process }
            if let (old, _) = state.running[language] {
                state.retiring[ObjectIdentifier(old)] = old
                Self.closeIfUnused(ObjectIdentifier(old), state)
            }
            state.running[language] = (zygote, ZygoteAge(limits: ageLimits, now: MonotonicClock.now()))
            return spares
        }
        guard let spares else { return }
        for spare in spares { Self.discard(spare) }
        refill(language)
    }

    /// Ends a zygote that has a successor and no workers any more.
    private static func closeIfUnused(_ id: ObjectIdentifier, _ state: borrowing State) {
        guard let zygote = state.retiring[id], !state.processes.values.contains(where: { $0.zygote == id }) else { return }
        zygote.close()
    }

    // MARK: Processes

    /// A process for this worker: a spare, or one that is being forked.
    /// - Returns: the host's end of its socket, which becomes the caller's.
    func makeProcess(for worker: Worker) throws -> Int32 {
        let definition = worker.function.definition
        // An engine that is to keep its state starts with other settings than a spare's.
        if definition.isolation != .instance, let (socket, handle) = takeSpare(for: worker, definition.language) {
            if let handle { worker.attach(handle: handle) }
            return socket
        }
        let (ours, theirs) = try Sockets.makeStreamPair()
        defer { Descriptors.close(theirs) }
        do {
            try fork(.worker(worker), socket: theirs, definition.language)
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
            guard (try? fork(.spare(socket: ours, handle: nil), socket: theirs, language)) != nil else { return }
        }
    }

    /// Takes over what the process owns, also if this fails.
    private func fork(_ process: Process, socket: Int32, _ language: Language) throws {
        let zygote: ZygoteProcess
        let number: UInt64
        let isSpare = if case .spare = process { true } else { false }
        do {
            // In one go: a zygote that has a process is not ended for want of one.
            (zygote, number) = try state.withLock { state in
                let zygote = try start(language, &state)
                state.running[language]!.age.countFork()
                state.lastNumber += 1
                state.processes[state.lastNumber] = (process, ObjectIdentifier(zygote))
                if isSpare { state.spares[language, default: []].append(state.lastNumber) }
                return (zygote, state.lastNumber)
            }
        } catch {
            Self.discard(process)
            throw error
        }
        guard zygote.fork(worker: number, isSpare: isSpare, socket: socket) else {
            if let process = remove(number) { Self.discard(process) }
            throw ZygoteProcess.ended(language, nil)
        }
    }

    private func remove(_ number: UInt64) -> Process? {
        state.withLock { state in
            guard let (process, zygote) = state.processes.removeValue(forKey: number) else { return nil }
            for language in state.spares.keys { state.spares[language]!.removeAll { $0 == number } }
            Self.closeIfUnused(zygote, state)
            return process
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
        case .started: succeed(zygote)
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
        case .zygoteEnded(let error):
            let orphans = state.withLock { state in
                let language = zygote.language
                if state.running[language]?.zygote === zygote { state.running[language] = nil }
                if state.successors[language] === zygote {
                    state.successors[language] = nil
                    state.running[language]?.age.postpone(now: MonotonicClock.now())
                }
                state.retiring[ObjectIdentifier(zygote)] = nil
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
            return state.zygotes
        }
        for zygote in running { await zygote.end() }
    }
}
