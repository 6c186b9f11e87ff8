import CLinuxShims
import Glibc

/// The processors that a thread may run on. A worker records them before its guest runs, and restores them after each
/// invocation.
struct ProcessorSet: Equatable {
    /// One bit for each processor, beginning with the lowest bit of the first number.
    private var bits = [UInt64](repeating: 0, count: Int(FAAS_PROCESSOR_WORDS))

    /// The processors of a thread; 0 means the calling thread. nil if the call fails, or if there are more processors
    /// than `bits` holds.
    init?(of thread: pid_t) {
        guard faas_get_processors(thread, &bits) == 0 else { return nil }
    }

    /// Returns false if it is not permitted, or if none of the processors is online.
    func apply(to thread: pid_t) -> Bool { faas_set_processors(thread, bits) == 0 }
}
