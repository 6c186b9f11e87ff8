/// One rule of a policy: some system calls, the verdict, and the reason.
public struct SystemCallRule: Sendable {
    public enum Verdict: Equatable, Sendable {
        case allow
        /// The call fails with this `errno`. For calls that programs make by accident: the program can handle the
        /// error.
        case refuse(Int32)
        /// The process is killed. For calls that no program makes by accident.
        case end
    }

    /// A condition on an argument. A rule applies if all of its conditions hold.
    public enum Condition: Equatable, Sendable {
        case equal(argument: UInt32, UInt64)
        /// The bits of `mask` must have this value.
        case bits(argument: UInt32, mask: UInt64, UInt64)
        case atMost(argument: UInt32, UInt64)
        case differs(argument: UInt32, UInt64)
        case isOwnProcess(argument: UInt32)

        /// The `open` flags in this argument must request neither writing nor a new file.
        public static func opensToRead(flags argument: UInt32) -> Condition {
            .bits(argument: argument, mask: writingFlags, 0)
        }

        /// O_ACCMODE, O_CREAT, O_TRUNC, O_APPEND, and the bit that O_TMPFILE has besides O_DIRECTORY.
        private static let writingFlags: UInt64 = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000
    }

    public let names: [String]
    public let verdict: Verdict
    public let conditions: [Condition]
    public let reason: String

    public init(_ verdict: Verdict, _ names: String..., when conditions: Condition..., reason: String) {
        self.names = names
        self.verdict = verdict
        self.conditions = conditions
        self.reason = reason
    }

    public init(_ verdict: Verdict, _ names: [String], when conditions: [Condition] = [], reason: String) {
        self.names = names
        self.verdict = verdict
        self.conditions = conditions
        self.reason = reason
    }
}

/// A policy that can be compiled to a seccomp program: the rules, and the verdict for all other calls.
public struct SystemCallPolicy: Sendable {
    public var rules: [SystemCallRule]
    public var otherwise: SystemCallRule.Verdict

    public init(rules: [SystemCallRule], otherwise: SystemCallRule.Verdict) {
        self.rules = rules
        self.otherwise = otherwise
    }
}
