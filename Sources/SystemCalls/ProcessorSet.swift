import CLinuxShims
import Glibc

/// On which processors threads may run.
public struct ProcessorSet: Equatable, Sendable {
    /// One bit for each, the first processor's the lowest of the first number.
    private var bits = [UInt64](repeating: 0, count: Int(FAAS_PROCESSOR_WORDS))

    /// These processors, counted from 0. Numbers that no machine has are left out.
    public init(_ numbers: [Int]) {
        for number in numbers where 0..<bits.count * 64 ~= number { bits[number / 64] |= 1 << (number % 64) }
    }

    /// Where a thread may run; 0 is this one. nil if the kernel does not say, or has more processors than this can
    /// tell.
    public init?(of thread: pid_t) {
        guard faas_get_processors(thread, &bits) == 0 else { return nil }
    }

    /// The smallest first.
    public var numbers: [Int] { (0..<bits.count * 64).filter { bits[$0 / 64] & 1 << ($0 % 64) != 0 } }

    /// Returns false if that is not allowed, or none of them is there.
    @discardableResult
    func apply(to thread: pid_t) -> Bool { faas_set_processors(thread, bits) == 0 }
}
