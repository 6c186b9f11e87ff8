import Glibc
import SystemCalls

/// Makes request ids for invocations whose callers give none. A value without a lock: each connection has its own.
package struct RequestIDs {
    /// Random numbers from the kernel that are still unused. One system call fetches many of them.
    private var numbers: [UInt64] = []
    private var nextFetch = 2

    package init() {}

    /// A new UUID of version 7: it begins with the time, so that logs sorted by request id are sorted by time.
    ///
    /// Foundation's UUID opens a file for each; this is on the path of every request.
    package mutating func next() -> String { Self.text(random(), random()) }

    /// A new request id for a caller that makes only one.
    package static func make() -> String {
        var ids = RequestIDs()
        return ids.next()
    }

    private mutating func random() -> UInt64 {
        if let number = numbers.popLast() { return number }
        // At most 256 bytes: the kernel always returns that many whole. The first request id needs two numbers, and
        // most connections make only a few.
        let count = nextFetch
        nextFetch = 32
        numbers = Array(unsafeUninitializedCapacity: count) { buffer, filled in
            filled =
                buffer.baseAddress.map { getentropy($0, count * MemoryLayout<UInt64>.size) == 0 } == true ? count : 0
        }
        return numbers.popLast() ?? UInt64.random(in: .min ... .max)
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        let time = UInt64(truncatingIfNeeded: WallClock.milliseconds()) & 0xffff_ffff_ffff
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
