import FunctionModel
import Synchronization
import SystemCalls

/// The zygotes of this host: one for each language in use, and one for each set of folders that a function in use
/// reads, and size of temporary files; the processes they have forked; and which of those are spares: forked and ready
/// for a function, before there is one.
///
/// A zygote that has served long enough (``ZygoteAge``) gets a successor, which forks from the moment when its engine
/// has started. The old one is kept for its workers, of whose namespaces it is process number 1, and ends after the
/// last of them. So does one that is not the language's own, since there are as many as functions need.
final class Zygotes: Sendable {
    /// A process that has not been reported ended.
    private enum Process {
        case worker(Worker)
        /// `socket` is our end; `handle` its pidfd, once the zygote has reported it. Both are owned here.
        case spare(socket: Int32, handle: Int32?)
    }

    private struct State {
        var running: [ZygoteKind: (zygote: ZygoteProcess, age: ZygoteAge)] = [:]
        /// They start, and nobody waits for it.
        var successors: [ZygoteKind: ZygoteProcess] = [:]
        /// They fork no more, and end after their last workers.
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
    private let postponement: Postponement
    private let state = Mutex(State())

    /// - Parameter spareCount: how many spares to keep for each language.
    init(
        executables: WorkerExecutables, sandbox: SandboxRequest, spareCount: Int, ageLimits: ZygoteAge.Limits,
        postponement: Postponement
    ) {
        self.ageLimits = ageLimits
        self.postponement = postponement
        self.executables = executables
        self.sandbox = sandbox
        self.spareCount = spareCount
    }

    var sandboxReports: [SandboxReport] {
        state.withLock { $0.running.filter { $0.key.isOrdinary }.map(\.value.zygote) }.compactMap(\.sandboxReport)
            .sorted { $0.language.id < $1.language.id }
    }

    deinit {
        state.withLock { state in
            for zygote in state.zygotes { zygote.close() }
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
        if let (zygote, _) = state.running[kind] { return zygote }
        let zygote = try make(kind)
        state.running[kind] = (zygote, ZygoteAge(limits: ageLimits, now: MonotonicClock.now()))
        return zygote
    }

    private func make(_ kind: ZygoteKind) throws -> ZygoteProcess {
        try ZygoteProcess(kind: kind, executable: try executables.path(for: kind.language), sandbox: sandbox) {
            [weak self] zygote, event in
            self?.handle(event, of: zygote)
        }
    }

    // MARK: Renewal

    /// Starts successors of the zygotes that have served long enough. Called every now and then.
    func renew(now: Int64) {
        state.withLock { state in
            guard !state.isShutDown else { return }
            for (kind, (_, age)) in state.running where state.successors[kind] == nil && age.isOver(now: now) {
                state.successors[kind] = try? make(kind)
                if state.successors[kind] == nil { state.running[kind]!.age.postpone(now: now) }
            }
        }
    }

    /// The engine of a successor has started: from now on it forks.
    private func succeed(_ zygote: ZygoteProcess) {
        let kind = zygote.kind
        let spares: [Process]? = state.withLock { state in
            guard state.successors[kind] === zygote else { return nil }
            state.successors[kind] = nil
            let numbers = kind.isOrdinary ? state.spares.removeValue(forKey: kind.language) ?? [] : []
            let spares = numbers.compactMap { state.processes.removeValue(forKey: $0)?.process }
            if let (old, _) = state.running[kind] {
                state.retiring[ObjectIdentifier(old)] = old
                Self.closeIfUnused(ObjectIdentifier(old), &state)
            }
            state.running[kind] = (zygote, ZygoteAge(limits: ageLimits, now: MonotonicClock.now()))
            return spares
        }
        guard let spares else { return }
        for spare in spares { Self.discard(spare) }
        if kind.isOrdinary { refill(kind.language) }
    }

    /// Ends a zygote that is to end after its last worker, if that has been.
    private static func closeIfUnused(_ id: ObjectIdentifier, _ state: inout State) {
        guard !state.processes.values.contains(where: { $0.zygote == id }) else { return }
        if let (kind, entry) = state.running.first(where: { ObjectIdentifier($0.value.zygote) == id }), !kind.isOrdinary
        {
            state.running[kind] = nil
            state.retiring[id] = entry.zygote
        }
        state.retiring[id]?.close()
    }

    // MARK: Processes

    /// A process for this worker: a spare, or one that is being forked.
    /// - Returns: the host's end of its socket, which becomes the caller's.
    func makeProcess(for worker: Worker) throws -> Int32 {
        let definition = worker.function.definition
        let kind = definition.zygoteKind
        // An engine that is to keep its state starts with other settings than a spare's.
        let canBeSpare =
            definition.isolation != .instance && kind.isOrdinary && postponement.canBeSpare(worker.forkPriority)
        if canBeSpare, let (socket, handle) = takeSpare(for: worker, definition.language) {
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
            guard !state.isShutDown, let number = state.spares[language]?.popLast(),
                let entry = state.processes[number],
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
            guard (try? fork(.spare(socket: ours, handle: nil), socket: theirs, ZygoteKind(language: language))) != nil
            else { return }
        }
    }

    /// Takes over what the process owns, also if this fails.
    private func fork(_ process: Process, socket: Int32, _ kind: ZygoteKind) throws {
        let (isSpare, priority) =
            switch process {
            case .spare: (true, postponement.spare)
            case .worker(let worker): (false, worker.forkPriority)
            }
        for _ in 0..<2 {
            let zygote: ZygoteProcess
            let number: UInt64
            do {
                // In one go: a zygote that has a process is not ended for want of one.
                (zygote, number) = try state.withLock { state in
                    let zygote = try start(kind, &state)
                    state.running[kind]!.age.countFork()
                    state.lastNumber += 1
                    state.processes[state.lastNumber] = (process, ObjectIdentifier(zygote))
                    if isSpare { state.spares[kind.language, default: []].append(state.lastNumber) }
                    return (zygote, state.lastNumber)
                }
            } catch {
                Self.discard(process)
                throw error
            }
            if zygote.fork(worker: number, isSpare: isSpare, priority: priority, socket: socket) { return }
            replace(zygote)
            // Whoever has taken it away has told it of its zygote's end.
            guard remove(number) != nil else { return }
        }
        Self.discard(process)
        throw ZygoteProcess.ended(kind.language, nil)
    }

    /// It has ended, but whoever listens to it has yet to see that: it may take long where all its workers have to end
    /// first. The next fork starts another one.
    private func replace(_ zygote: ZygoteProcess) {
        state.withLock { state in
            guard state.running[zygote.kind]?.zygote === zygote else { return }
            state.running[zygote.kind] = nil
            state.retiring[ObjectIdentifier(zygote)] = zygote
        }
    }

    private func remove(_ number: UInt64) -> Process? {
        state.withLock { state in
            guard let (process, zygote) = state.processes.removeValue(forKey: number) else { return nil }
            for language in state.spares.keys { state.spares[language]!.removeAll { $0 == number } }
            Self.closeIfUnused(zygote, &state)
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
                let kind = zygote.kind
                if state.running[kind]?.zygote === zygote { state.running[kind] = nil }
                if state.successors[kind] === zygote {
                    state.successors[kind] = nil
                    state.running[kind]?.age.postpone(now: MonotonicClock.now())
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

extension FunctionDefinition {
    var zygoteKind: ZygoteKind {
        // In other languages nothing could use the files, and their workers are not to be able to write any.
        ZygoteKind(
            language: language, folders: folders.all,
            temporaryMB: language.capabilities.hasTemporaryFiles ? limits.temporaryMB : nil,
            keepsState: language.capabilities.startsAnewToKeepState && isolation == .instance)
    }
}
