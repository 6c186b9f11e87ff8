import FunctionModel

/// All decisions about zygotes: which there are, which one forks, which processes are theirs, and which of those are
/// spares. Pure: no process, no clock, no lock. Every call returns what the owner has to do.
///
/// There is one zygote for each language in use, and one for each other ``ZygoteKind`` that a function in use needs. A
/// zygote that has served long enough (``ZygoteAge``) gets a successor, which forks from the moment when its engine has
/// started. The old one stays for its workers, of whose namespaces it is process number 1, and ends after the last of
/// them. So does a zygote that is not the language's ordinary one.
struct ZygoteSet: Sendable {
    typealias ZygoteID = UInt64
    /// The number that a zygote knows a process by. No two processes have the same.
    typealias ProcessNumber = UInt64

    struct Limits: Sendable {
        /// How many zygotes there may be that have not been told to end.
        var zygotes: Int
        /// How many spares each language has.
        var spares: Int
        var age: ZygoteAge.Limits
    }

    enum Action: Equatable, Sendable {
        /// Start a zygote. If that fails, the owner reports ``zygoteEnded(_:now:)``.
        case spawn(ZygoteID, ZygoteKind)
        /// Tell a zygote to end, and with it its processes.
        case close(ZygoteID)
        /// Let go of a spare, which then ends by itself.
        case discard(ProcessNumber)
        /// The process ended with its zygote.
        case lose(ProcessNumber)
        /// Make spares.
        case refill(Language)
    }

    enum Refusal: Error, Equatable {
        case shuttingDown
        /// The limit of zygotes is reached, and every zygote has workers.
        case full
    }

    /// What to do with a process that a zygote has made.
    enum Use: Equatable {
        case worker
        case spare
        /// The set does not know the process (any more). It has to end.
        case none
    }

    private enum Role {
        /// Forks the processes of its kind.
        case serving
        /// Starts, and no worker waits for it.
        case successor
        /// Forks no more, and ends after its last process.
        case retiring
        /// Has been told to end.
        case closing
    }

    private struct Record {
        let kind: ZygoteKind
        var role: Role
        var age: ZygoteAge
        var workers = 0
        var spares = 0
        var lastUse: Int64
    }

    private struct Process {
        let zygote: ZygoteID
        var isSpare: Bool
    }

    private let limits: Limits
    private var zygotes: [ZygoteID: Record] = [:]
    private var serving: [ZygoteKind: ZygoteID] = [:]
    private var successors: [ZygoteKind: ZygoteID] = [:]
    private var processes: [ProcessNumber: Process] = [:]
    private var spares: [Language: [ProcessNumber]] = [:]
    private var lastZygote: ZygoteID = 0
    private var lastProcess: ProcessNumber = 0
    private var isShutDown = false

    init(limits: Limits) { self.limits = limits }

    var count: Int { zygotes.count }
    var processCount: Int { processes.count }

    /// The serving zygotes of languages.
    var ordinary: [ZygoteID] { serving.filter { $0.key.isOrdinary }.map(\.value) }

    // MARK: Zygotes

    /// The zygote that forks processes of this kind. Started if there is none.
    mutating func need(_ kind: ZygoteKind, now: Int64) -> Result<(zygote: ZygoteID, actions: [Action]), Refusal> {
        if isShutDown { return .failure(.shuttingDown) }
        if let id = serving[kind] {
            zygotes[id]?.lastUse = now
            return .success((id, []))
        }
        guard var actions = makeRoom() else { return .failure(.full) }
        let id = add(kind, .serving, now: now)
        serving[kind] = id
        actions.append(.spawn(id, kind))
        return .success((id, actions))
    }

    private mutating func add(_ kind: ZygoteKind, _ role: Role, now: Int64) -> ZygoteID {
        lastZygote += 1
        zygotes[lastZygote] = Record(
            kind: kind, role: role, age: ZygoteAge(limits: limits.age, now: now), lastUse: now)
        return lastZygote
    }

    /// Ends the zygote without workers that was used longest ago, if there are too many. nil if each has workers.
    private mutating func makeRoom() -> [Action]? {
        guard zygotes.values.count(where: { $0.role != .closing }) >= limits.zygotes else { return [] }
        let candidates = zygotes.filter { $0.value.role == .serving && $0.value.workers == 0 }
        guard let (id, record) = candidates.min(by: { ($0.value.lastUse, $0.key) < ($1.value.lastUse, $1.key) }) else {
            return nil
        }
        serving[record.kind] = nil
        var actions = dropSpares(of: id)
        zygotes[id]?.role = .closing
        actions.append(.close(id))
        return actions
    }

    /// The engine has started. A successor forks from now on.
    mutating func zygoteStarted(_ id: ZygoteID, now: Int64) -> [Action] {
        guard let record = zygotes[id], record.role == .successor else { return [] }
        let kind = record.kind
        successors[kind] = nil
        var actions: [Action] = []
        if let old = serving[kind] {
            actions += dropSpares(of: old)
            zygotes[old]?.role = .retiring
            actions += closeIfUnused(old)
        }
        serving[kind] = id
        zygotes[id]?.role = .serving
        zygotes[id]?.age = ZygoteAge(limits: limits.age, now: now)
        zygotes[id]?.lastUse = now
        return kind.isOrdinary ? actions + [.refill(kind.language)] : actions
    }

    /// The zygote takes no requests any more, because it has ended. Its end is reported later: all its workers may have
    /// to end first. The next ``need(_:now:)`` starts another.
    mutating func zygoteIsGone(_ id: ZygoteID) {
        guard let record = zygotes[id], record.role == .serving else { return }
        serving[record.kind] = nil
        zygotes[id]?.role = .retiring
    }

    /// The zygote and all its processes have ended.
    mutating func zygoteEnded(_ id: ZygoteID, now: Int64) -> [Action] {
        guard let record = zygotes.removeValue(forKey: id) else { return [] }
        if serving[record.kind] == id { serving[record.kind] = nil }
        if successors[record.kind] == id {
            successors[record.kind] = nil
            if let old = serving[record.kind] { zygotes[old]?.age.postpone(now: now) }
        }
        let orphans = processes.filter { $0.value.zygote == id }.keys.sorted()
        for number in orphans { processes[number] = nil }
        spares[record.kind.language]?.removeAll { processes[$0] == nil }
        return orphans.map { .lose($0) }
    }

    /// Starts successors of the zygotes that have served long enough.
    mutating func renew(now: Int64) -> [Action] {
        guard !isShutDown else { return [] }
        let old = serving.filter { kind, id in
            successors[kind] == nil && zygotes[id]?.age.isOver(now: now) == true
        }
        return old.sorted { $0.value < $1.value }.map { kind, _ in
            let id = add(kind, .successor, now: now)
            successors[kind] = id
            return .spawn(id, kind)
        }
    }

    /// Starts nothing any more.
    mutating func shutDown() { isShutDown = true }

    /// Ends a zygote that is to end after its last process, if that has ended.
    private mutating func closeIfUnused(_ id: ZygoteID) -> [Action] {
        guard let record = zygotes[id], record.workers == 0, record.spares == 0 else { return [] }
        if record.role == .serving, !record.kind.isOrdinary {
            serving[record.kind] = nil
        } else if record.role != .retiring {
            return []
        }
        zygotes[id]?.role = .closing
        return [.close(id)]
    }

    // MARK: Processes

    /// Counts a process that the zygote is asked to fork. It holds the zygote from now on.
    mutating func fork(_ zygote: ZygoteID, isSpare: Bool, now: Int64) -> ProcessNumber {
        lastProcess += 1
        processes[lastProcess] = Process(zygote: zygote, isSpare: isSpare)
        zygotes[zygote]?.age.countFork()
        zygotes[zygote]?.lastUse = now
        if isSpare {
            zygotes[zygote]?.spares += 1
            if let language = zygotes[zygote]?.kind.language { spares[language, default: []].append(lastProcess) }
        } else {
            zygotes[zygote]?.workers += 1
        }
        return lastProcess
    }

    /// How many spares the language should have more.
    func missingSpares(_ language: Language) -> Int {
        isShutDown ? 0 : max(0, limits.spares - (spares[language]?.count ?? 0))
    }

    /// Makes a spare a worker's process. `isAlive`: whether it has not ended, as far as is known.
    mutating func takeSpare(_ language: Language, now: Int64, isAlive: (ProcessNumber) -> Bool) -> (
        number: ProcessNumber?, actions: [Action]
    ) {
        var dead: [Action] = []
        while !isShutDown, let number = spares[language]?.popLast(), let process = processes[number] {
            zygotes[process.zygote]?.spares -= 1
            guard isAlive(number) else {
                processes[number] = nil
                dead.append(.discard(number))
                continue
            }
            processes[number]?.isSpare = false
            zygotes[process.zygote]?.workers += 1
            zygotes[process.zygote]?.lastUse = now
            return (number, dead)
        }
        return (nil, dead)
    }

    /// A zygote has made a process.
    func forked(_ number: ProcessNumber) -> Use { processes[number].map { $0.isSpare ? .spare : .worker } ?? .none }

    /// A process has ended, or was never made.
    mutating func processEnded(_ number: ProcessNumber) -> [Action] {
        guard let process = processes.removeValue(forKey: number) else { return [] }
        if process.isSpare {
            zygotes[process.zygote]?.spares -= 1
            if let language = zygotes[process.zygote]?.kind.language { spares[language]?.removeAll { $0 == number } }
        } else {
            zygotes[process.zygote]?.workers -= 1
        }
        return closeIfUnused(process.zygote)
    }

    private mutating func dropSpares(of zygote: ZygoteID) -> [Action] {
        guard let language = zygotes[zygote]?.kind.language else { return [] }
        let dropped = (spares[language] ?? []).filter { processes[$0]?.zygote == zygote }
        for number in dropped { processes[number] = nil }
        spares[language]?.removeAll { processes[$0] == nil }
        zygotes[zygote]?.spares = 0
        return dropped.map { .discard($0) }
    }
}
