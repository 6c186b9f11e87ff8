import FunctionModel
import Synchronization
import SystemCalls

/// Carries out what ``ZygoteSet`` decides: starts and ends zygotes, and gives workers their processes.
///
/// Decisions are taken under the lock and carry the objects that they are about; what follows happens outside it. Only
/// a zygote's start is under the lock, so that callers that need the same one get it: that makes a socket and a thread,
/// and the thread does what can take long.
final class Zygotes: WorkerLauncher {
    /// A process that has not been reported ended.
    private enum Process {
        case worker(Worker)
        /// `socket` is our end; `handle` its pidfd, once the zygote has reported it. Both are owned here.
        case spare(socket: Int32, handle: Int32?)
    }

    private struct State {
        var set: ZygoteSet
        var zygotes: [ZygoteSet.ZygoteID: ZygoteProcess] = [:]
        var processes: [ZygoteSet.ProcessNumber: Process] = [:]
    }

    /// An action of ``ZygoteSet`` with its objects.
    private enum Effect {
        case close(ZygoteProcess)
        case discard(Process)
        case lose(Process)
        case refill(Language)
    }

    /// What a decision leads to. `error`: a zygote could not be started.
    private struct Effects {
        var list: [Effect] = []
        var error: (any Error)?
    }

    let executables: WorkerExecutables
    private let configuration: FunctionRuntime.Configuration
    private let sandbox: SandboxRequest
    private let postponement: Postponement
    private let maximumZygotes: Int
    private let now: @Sendable () -> Int64
    private let state: Mutex<State>

    init(_ configuration: FunctionRuntime.Configuration, now: @escaping @Sendable () -> Int64 = MonotonicClock.now) {
        self.configuration = configuration
        executables = WorkerExecutables(directory: configuration.workerDirectory)
        sandbox = configuration.sandboxRequest
        postponement = configuration.postponement
        maximumZygotes = max(1, configuration.maximumZygotes)
        self.now = now
        state = Mutex(
            State(
                set: ZygoteSet(
                    limits: .init(
                        zygotes: maximumZygotes, spares: max(0, configuration.spareWorkersPerLanguage),
                        age: configuration.zygoteAgeLimits))))
    }

    deinit {
        state.withLock { state in
            for zygote in state.zygotes.values { zygote.close() }
            for process in state.processes.values { Self.discard(process) }
        }
    }

    var sandboxReports: [SandboxReport] {
        state.withLock { state in state.set.ordinary.compactMap { state.zygotes[$0] } }.compactMap(\.sandboxReport)
            .sorted { $0.language.id < $1.language.id }
    }

    /// The zygote of this kind, started if there is none.
    @discardableResult
    func start(_ kind: ZygoteKind) throws -> ZygoteProcess {
        let (zygote, effects) = state.withLock { state in
            let (id, effects) = need(kind, &state)
            return (id.flatMap { state.zygotes[$0] }, effects)
        }
        perform(effects.list)
        guard let zygote else { throw effects.error ?? ZygoteProcess.ended(kind.language, nil) }
        return zygote
    }

    /// Ends all zygotes, and waits for it.
    func shutDown() async {
        let zygotes = state.withLock { state in
            state.set.shutDown()
            return Array(state.zygotes.values)
        }
        for zygote in zygotes { await zygote.end() }
    }

    // MARK: The pool's side

    func launch(_ worker: Worker) throws -> Int32 {
        let definition = worker.function.definition
        let kind = try ZygoteKind(definition, configuration)
        // An engine that is to keep its state starts with other settings than a spare's.
        let canBeSpare =
            definition.isolation != .instance && kind.isOrdinary && postponement.canBeSpare(worker.forkPriority)
        if canBeSpare, let (socket, handle) = takeSpare(for: worker) {
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

    /// Refills the spares here, because no invocation waits for this work.
    func hasLoaded(_ worker: Worker) {
        guard let kind = try? ZygoteKind(worker.function.definition, configuration), kind.isOrdinary else { return }
        refill(kind.language)
    }

    func keepHouse(now: Int64) {
        perform(decide { $0.set.renew(now: now) }.list)
    }

    // MARK: Decisions and effects

    private func decide(_ body: (inout State) -> [ZygoteSet.Action]) -> Effects {
        state.withLock { state in resolve(body(&state), &state) }
    }

    private func need(_ kind: ZygoteKind, _ state: inout State) -> (ZygoteSet.ZygoteID?, Effects) {
        switch state.set.need(kind, now: now()) {
        case .success(let (id, actions)):
            let effects = resolve(actions, &state)
            return (effects.error == nil ? id : nil, effects)
        case .failure(.shuttingDown): return (nil, Effects(error: ShuttingDown()))
        case .failure(.full):
            let message =
                "This host already has \(maximumZygotes) zygotes, and each has workers. "
                + "Functions with different folders need different ones."
            return (nil, Effects(error: Overloaded(message)))
        }
    }

    /// Gives actions their objects, under the lock.
    private func resolve(_ actions: [ZygoteSet.Action], _ state: inout State) -> Effects {
        var effects = Effects()
        for action in actions {
            switch action {
            case .spawn(let id, let kind):
                do {
                    state.zygotes[id] = try make(id, kind)
                } catch {
                    effects.error =
                        (error as? SystemCallError)?.isOutOfDescriptors == true ? Overloaded.noDescriptors : error
                    effects.list += resolve(state.set.zygoteEnded(id, now: now()), &state).list
                }
            case .close(let id):
                if let zygote = state.zygotes[id] { effects.list.append(.close(zygote)) }
            case .discard(let number):
                if let process = state.processes.removeValue(forKey: number) { effects.list.append(.discard(process)) }
            case .lose(let number):
                if let process = state.processes.removeValue(forKey: number) { effects.list.append(.lose(process)) }
            case .refill(let language):
                effects.list.append(.refill(language))
            }
        }
        return effects
    }

    private func make(_ id: ZygoteSet.ZygoteID, _ kind: ZygoteKind) throws -> ZygoteProcess {
        try ZygoteProcess(kind: kind, executable: try executables.path(for: kind.language), sandbox: sandbox) {
            [weak self] in self?.handle($0, of: id)
        }
    }

    private func perform(_ effects: [Effect], _ error: (any FunctionError)? = nil) {
        for effect in effects {
            switch effect {
            case .close(let zygote): zygote.close()
            case .discard(let process): Self.discard(process)
            case .lose(let process):
                if case .worker(let worker) = process {
                    worker.zygoteHasEnded(error ?? ZygoteProcess.ended(worker.function.definition.language, nil))
                }
                Self.discard(process)
            case .refill(let language): refill(language)
            }
        }
    }

    /// Closes what is owned of a spare.
    private static func discard(_ process: Process) {
        guard case .spare(let socket, let handle) = process else { return }
        Descriptors.close(socket)
        if let handle { Descriptors.close(handle) }
    }

    // MARK: Processes

    private func takeSpare(for worker: Worker) -> (socket: Int32, handle: Int32?)? {
        let (spare, effects): ((Int32, Int32?)?, Effects) = state.withLock { state in
            let processes = state.processes
            let (number, actions) = state.set.takeSpare(worker.function.definition.language, now: now()) { number in
                // One that is still being made has no handle yet.
                guard case .spare(_, let handle?) = processes[number] else { return true }
                return !Processes.hasEnded(handle: handle)
            }
            let effects = resolve(actions, &state)
            guard let number, case .spare(let socket, let handle) = state.processes[number] else {
                return (nil, effects)
            }
            state.processes[number] = .worker(worker)
            return ((socket, handle), effects)
        }
        perform(effects.list)
        return spare
    }

    /// Makes up for the spares that have been taken.
    func refill(_ language: Language) {
        for _ in 0..<state.withLock({ $0.set.missingSpares(language) }) {
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
            // Chooses the zygote and counts its process under one lock, so that it cannot be ended as unused between
            // the two.
            let (chosen, effects) = state.withLock { state in
                let (id, effects) = need(kind, &state)
                guard let id, let zygote = state.zygotes[id] else {
                    return (nil as (ZygoteSet.ZygoteID, ZygoteProcess, ZygoteSet.ProcessNumber)?, effects)
                }
                let number = state.set.fork(id, isSpare: isSpare, now: now())
                state.processes[number] = process
                return ((id, zygote, number), effects)
            }
            perform(effects.list)
            guard let (id, zygote, number) = chosen else {
                Self.discard(process)
                throw effects.error ?? ZygoteProcess.ended(kind.language, nil)
            }
            switch zygote.fork(worker: number, isSpare: isSpare, priority: priority, socket: socket) {
            case .sent: return
            case .busy:
                if let process = remove(number) { Self.discard(process) }
                throw Overloaded("The \(kind.language.name) zygote has too many workers to start. Try again later.")
            case .ended:
                state.withLock { $0.set.zygoteIsGone(id) }
                // Otherwise the process has been told of its zygote's end.
                guard remove(number) != nil else { return }
            }
        }
        Self.discard(process)
        throw ZygoteProcess.ended(kind.language, nil)
    }

    private func remove(_ number: ZygoteSet.ProcessNumber) -> Process? {
        let (process, effects) = state.withLock { state in
            let process = state.processes.removeValue(forKey: number)
            return (process, resolve(state.set.processEnded(number), &state))
        }
        perform(effects.list)
        return process
    }

    // MARK: What zygotes report

    private func handle(_ event: ZygoteProcess.Event, of id: ZygoteSet.ZygoteID) {
        switch event {
        case .started:
            perform(decide { $0.set.zygoteStarted(id, now: now()) }.list)
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
            let effects = decide { state in
                state.zygotes[id] = nil
                return state.set.zygoteEnded(id, now: now())
            }
            perform(effects.list, error)
        }
    }

    private func forked(_ number: ZygoteSet.ProcessNumber, _ handle: Int32) {
        let (use, worker): (ZygoteSet.Use, Worker?) = state.withLock { state in
            switch (state.set.forked(number), state.processes[number]) {
            case (.worker, .worker(let worker)): return (.worker, worker)
            case (.spare, .spare(let socket, nil)):
                state.processes[number] = .spare(socket: socket, handle: handle)
                return (.spare, nil)
            default: return (.none, nil)
            }
        }
        if let worker { return worker.attach(handle: handle) }
        guard use == .none else { return }
        Processes.kill(handle: handle)
        Descriptors.close(handle)
    }
}
