import Glibc
import NIOPosix
import SystemCalls

/// Makes names for invocations whose callers give none.
package enum RequestIDs {
    /// Each thread has its own random numbers, so that a name takes no lock.
    private static let random = ThreadSpecificVariable<KernelRandom>()

    /// Random numbers from the kernel, fetched many at a time: a system call for each would cost more than the rest of
    /// the name.
    /// `@unchecked Sendable`: one thread uses it, the one that made it.
    private final class KernelRandom: @unchecked Sendable {
        private var numbers: [UInt64] = []

        func next() -> UInt64 {
            if let number = numbers.popLast() { return number }
            // The kernel gives up to 256 bytes whole, always.
            numbers = Array(unsafeUninitializedCapacity: 32) { buffer, count in
                guard let bytes = buffer.baseAddress else { return }
                count = getentropy(bytes, 256) == 0 ? 32 : 0
            }
            return numbers.popLast() ?? UInt64.random(in: .min ... .max)
        }
    }

    private static func randomOfThisThread() -> KernelRandom {
        if let known = random.currentValue { return known }
        let new = KernelRandom()
        random.currentValue = new
        return new
    }

    /// A new UUID of version 7: it begins with the time, so that a log in order of names is in order of time.
    ///
    /// Not Foundation's UUID, which opens a file for each; this is on the path of every request.
    package static func make() -> String {
        let random = randomOfThisThread()
        let (high, low) = (random.next(), random.next())
        let time = UInt64(WallClock.milliseconds()) & 0xffff_ffff_ffff
        let first = time << 16 | 0x7000 | high & 0x0fff
        let second = 0x8000_0000_0000_0000 | low >> 2
        return String(unsafeUninitializedCapacity: 36) { text in
            var index = 0
            for word in [first, second] {
                for shift in stride(from: UInt64(64), to: 0, by: -4) {
                    if index == 8 || index == 13 || index == 18 || index == 23 {
                        text[index] = UInt8(ascii: "-")
                        index += 1
                    }
                    let digit = UInt8(truncatingIfNeeded: word >> (shift - 4) & 15)
                    text[index] = digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
                    index += 1
                }
            }
            return index
        }
    }
}
