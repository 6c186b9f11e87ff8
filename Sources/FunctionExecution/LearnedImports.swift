import FunctionModel
import HostMemory
import Synchronization
import WorkerProtocol

/// Which modules the workers of each function have learned to import before their snapshot
/// (docs/decisions/0035-learned-imports.md).
///
/// A hint, and bounded: what is forgotten is learned again.
final class LearnedImports: Sendable {
    private struct State {
        var entries: ByteCache<Function, ModuleNames>
        /// What earlier processes have learned, by revision.
        var stored: [String: ModuleNames] = [:]
    }

    /// What a worker is told.
    struct Lesson: Equatable {
        /// How long it may try the imports of its first call, in milliseconds. 0: it learns none.
        var milliseconds: UInt32 = 0
        var imports = ModuleNames(keeping: [])
    }

    /// Told what to store for a revision, on any thread. nil: nothing.
    typealias Keep = @Sendable (_ revision: String, _ names: [String]?) -> Void

    private let state: Mutex<State>
    private let keep: Keep?

    static let maximumBytes = 8 << 20
    private static let maximumStored = 4096
    /// The longest time for trials. They take place before the worker is ready again, so they get a part of the time
    /// that this may take.
    private static let longestTrial: Int64 = 3000
    private static let partOfLoadTimeout: Int64 = 4

    /// - Parameter bytes: the most that the names of all functions take. A budget of its own: they stay when there are no
    ///   calls.
    init(bytes: Int = LearnedImports.maximumBytes, keep: Keep?) {
        state = Mutex(State(entries: ByteCache(limit: bytes, budget: ByteBudget(limit: bytes))))
        self.keep = keep
    }

    /// Takes what has been stored: names by revision. It may be anything.
    func remember(_ stored: [String: [String]]) {
        var checked: [String: ModuleNames] = [:]
        for (revision, names) in stored.prefix(Self.maximumStored) { checked[revision] = ModuleNames(keeping: names) }
        state.withLock { $0.stored = checked }
    }

    /// - Parameter loadTimeout: how long a worker may take to get ready, in nanoseconds.
    func lesson(for function: Function, loadTimeout: Int64) -> Lesson {
        let definition = function.definition
        guard definition.learnImports, definition.isolation == .invocation,
            definition.language.capabilities.learnsImports
        else { return Lesson() }
        let milliseconds = min(Self.longestTrial, loadTimeout / 1_000_000 / Self.partOfLoadTimeout)
        let known = state.withLock { state in state.entries.read(function) ?? state.stored[function.revision] }
        return Lesson(
            milliseconds: known?.areComplete == true ? 0 : UInt32(max(1, milliseconds)),
            imports: known ?? ModuleNames(keeping: []))
    }

    /// A worker has these modules in its snapshot. They are added to what is known.
    func add(_ names: ModuleNames, of function: Function) {
        let grown: ModuleNames? = state.withLock { state in
            let known = state.entries.peek(function) ?? state.stored[function.revision]
            if known?.areComplete == true { return nil }
            let present = Set(known?.names ?? [])
            let all = ModuleNames(
                keeping: (known?.names ?? []) + names.names.filter { !present.contains($0) },
                areComplete: names.areComplete)
            guard all != known else { return nil }
            state.entries.insert(function, all, bytes: all.memoryBytes)
            return all
        }
        if let grown { keep?(function.revision, grown.names) }
    }

    /// A worker has failed in a way that modules may have caused which it had learned. No other learns any.
    func stop(for function: Function) {
        state.withLock { state in
            state.stored[function.revision] = nil
            let none = ModuleNames(keeping: [], areComplete: true)
            state.entries.insert(function, none, bytes: none.memoryBytes)
        }
        keep?(function.revision, nil)
    }
}

extension ModuleNames {
    fileprivate var memoryBytes: Int { names.reduce(256) { $0 + 32 + $1.utf8.count } }
}
