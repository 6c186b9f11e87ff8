import CLinuxShims
import Glibc

/// The processors that a thread may run on. A worker records them before its guest runs, and restores them after each
/// invocation.
public struct ProcessorSet: Equatable, Sendable {
    /// One bit for each processor, beginning with the lowest bit of the first number.
    private var bits = [UInt64](repeating: 0, count: Int(FAAS_PROCESSOR_WORDS))

    /// These processors, counted from 0. Numbers that no machine has are left out.
    public init(_ numbers: [Int]) {
        for number in numbers where 0..<bits.count * 64 ~= number { bits[number / 64] |= 1 << (number % 64) }
    }

    /// The processors of a thread; 0 means the calling thread. nil if the call fails, or if there are more processors
    /// than `bits` holds.
    public init?(of thread: pid_t) {
        guard faas_get_processors(thread, &bits) == 0 else { return nil }
    }

    /// The smallest number first.
    public var numbers: [Int] { (0..<bits.count * 64).filter { bits[$0 / 64] & 1 << ($0 % 64) != 0 } }

    /// Returns false if it is not permitted, or if none of the processors is online.
    @discardableResult
    func apply(to thread: pid_t) -> Bool { faas_set_processors(thread, bits) == 0 }
}
