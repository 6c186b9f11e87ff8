import SystemCalls
import WorkerProtocol

/// Imports modules that an earlier call has imported, so that later calls find them in the snapshot.
///
/// A module may do anything while it is imported. The host replaces a worker that ends meanwhile, or takes too long,
/// and then its function learns nothing. What this process notices itself ends the learning before the module that did
/// it.
struct ImportLearning {
    let runtime: any LanguageRuntime
    let sandbox: WorkerSandbox
    /// How much memory the modules may take together.
    let memoryBytes: Int

    init(runtime: any LanguageRuntime, sandbox: WorkerSandbox, _ function: LoadMessage) {
        self.runtime = runtime
        self.sandbox = sandbox
        memoryBytes = Int(clamping: function.memoryBytes / 2)
    }

    /// - Parameter milliseconds: no further module is begun after this time; nil: all are.
    /// - Returns: the names of the modules that were not there before. If `isHarmless` is false, the last import has
    ///   left something that cannot be part of a snapshot, and its name is not among them.
    func run(_ names: [String], milliseconds: UInt32? = nil) -> (imported: [String], isHarmless: Bool) {
        let deadline = milliseconds.map { MonotonicClock.now() + Int64($0) * 1_000_000 }
        let couldBePutBack = canBePutBack
        let memoryBefore = Memory.privateBytes()
        var isHarmless = true
        var imported = runtime.importModules(names) { isNew in
            isHarmless =
                !isNew
                || Memory.privateBytes() - memoryBefore <= memoryBytes
                    && (!couldBePutBack || canBePutBack)
            return isHarmless && deadline.map { MonotonicClock.now() < $0 } ?? true
        }
        if !isHarmless { imported.removeLast() }
        return (imported, isHarmless)
    }

    private var canBePutBack: Bool {
        ProcessState.canBePutBack(
            filesAreWritable: sandbox.hasTemporaryFiles, sharedMemory: MemoryRewind.sharedMemory)
    }
}
