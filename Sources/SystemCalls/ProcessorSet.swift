import CLinuxShims
import Glibc

/// The processors that a thread may run on. A worker records its own before its guest runs, and goes back to them after
/// each invocation.
struct ProcessorSet: Equatable {
    /// One bit for each, the first processor's the lowest of the first number.
    private var bits = [UInt64](repeating: 0, count: Int(FAAS_PROCESSOR_WORDS))

    /// The processors of a thread; 0 is the calling one. nil if the kernel does not say, or has more processors than
    /// `bits` holds.
    init?(of thread: pid_t) {
        guard faas_get_processors(thread, &bits) == 0 else { return nil }
    }

    /// Returns false if that is not allowed, or none of the processors is online.
    func apply(to thread: pid_t) -> Bool { faas_set_processors(thread, bits) == 0 }
}
