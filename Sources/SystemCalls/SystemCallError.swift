import Glibc

/// A system call that failed: which one, and the kernel's reason.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    public let call: String
    /// The `errno` value, for example `ENOENT`.
    public let code: Int32

    public init(_ call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// The error of the call that just returned -1.
    static func last(_ call: String) -> SystemCallError { SystemCallError(call, code: errno) }

    /// Whether this process, or the machine, has no descriptor left: the same call may succeed later.
    public var isOutOfDescriptors: Bool { Self.isOutOfDescriptors(code) }

    public static func isOutOfDescriptors(_ code: Int32) -> Bool { code == EMFILE || code == ENFILE }

    public var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Turns the `-errno` convention of the C shims into a thrown error.
func checked(_ call: String, _ result: Int) throws(SystemCallError) -> Int {
    guard result >= 0 else { throw SystemCallError(call, code: Int32(-result)) }
    return result
}

func checked(_ call: String, _ result: Int32) throws(SystemCallError) -> Int32 {
    Int32(try checked(call, Int(result)))
}
