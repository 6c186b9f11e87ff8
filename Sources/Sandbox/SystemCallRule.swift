/// One line of a policy: some system calls, what becomes of them, and why.
public struct SystemCallRule: Sendable {
    public enum Verdict: Equatable, Sendable {
        case allow
        /// The call fails with this `errno`. For what programs do by accident: the caller gets an error and goes on.
        case refuse(Int32)
        /// The process ends. For what no program does by accident.
        case end
    }

    /// What an argument must be for the rule to apply. All of a rule's conditions must hold.
    public enum Condition: Equatable, Sendable {
        case equal(argument: UInt32, UInt64)
        /// The bits of `mask` have this value.
        case bits(argument: UInt32, mask: UInt64, UInt64)
        case atMost(argument: UInt32, UInt64)
        case differs(argument: UInt32, UInt64)
        case isOwnProcess(argument: UInt32)

        /// The flags of `open`, in this argument, ask for neither writing nor a new file.
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

/// A seccomp program in words: the rules, and what becomes of everything else.
public struct SystemCallPolicy: Sendable {
    public var rules: [SystemCallRule]
    public var otherwise: SystemCallRule.Verdict

    public init(rules: [SystemCallRule], otherwise: SystemCallRule.Verdict) {
        self.rules = rules
        self.otherwise = otherwise
    }
}
