import CSandbox
import CSeccomp
import Glibc
import SystemCalls

/// A policy as a BPF program. Compiled once, in the zygote; loading it is one system call.
public struct SystemCallFilter {
    /// Instructions of eight bytes each.
    private let program: [UInt64]

    public var instructionCount: Int { program.count }

    /// - Throws: if libseccomp refuses a rule: the policy contradicts itself, or names an unknown system call.
    public init(_ policy: SystemCallPolicy) throws(SystemCallError) {
        guard let context = seccomp_init(policy.otherwise.action) else {
            throw SystemCallError("seccomp_init", code: EINVAL)
        }
        defer { seccomp_release(context) }
        // Calls by another architecture's numbers (32 bit, x32) have other arguments than the rules check, so they are
        // denied.
        try Self.check(
            "seccomp_attr_set", seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SystemCallRule.Verdict.end.action))
        // Compiles to a binary tree instead of a list, so that frequent calls do not pass all other rules first.
        try Self.check("seccomp_attr_set", seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
        for rule in policy.rules where rule.verdict != policy.otherwise {
            let comparisons = rule.conditions.map(\.comparison)
            for name in rule.names {
                let number = seccomp_syscall_resolve_name(name)
                guard number >= 0 else {
                    guard SystemCallNames.isAbsentHere(name) else { throw SystemCallError(name, code: ENOSYS) }
                    continue
                }
                try Self.check(
                    name,
                    seccomp_rule_add_array(context, rule.verdict.action, number, UInt32(comparisons.count), comparisons)
                )
            }
        }
        program = try Self.export(context)
    }

    private static func export(_ context: scmp_filter_ctx) throws(SystemCallError) -> [UInt64] {
        let file = faas_memory_file()
        guard file >= 0 else { throw SystemCallError("memfd_create", code: -file) }
        defer { Descriptors.close(file) }
        try check("seccomp_export_bpf", seccomp_export_bpf(context, file))
        let size = lseek(file, 0, SEEK_END)
        var program = [UInt64](repeating: 0, count: Int(size) / 8)
        let count = program.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        guard count == size else { throw SystemCallError("pread", code: EIO) }
        return program
    }

    private static func check(_ call: String, _ result: Int32) throws(SystemCallError) {
        guard result == 0 else { throw SystemCallError(call, code: -result) }
    }

    /// Puts all threads of this process under the filter. It cannot be removed.
    /// - Precondition: the process has renounced new privileges.
    public func load() throws(SystemCallError) {
        let result = program.withUnsafeBytes { faas_seccomp_load($0.baseAddress, UInt16($0.count / 8)) }
        guard result == 0 else { throw SystemCallError("seccomp", code: -result) }
    }
}

extension SystemCallRule.Verdict {
    /// The SCMP_ACT_ values, which are macros that Swift does not import.
    fileprivate var action: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .refuse(let code): 0x0005_0000 | UInt32(code)
        case .end: 0x8000_0000
        }
    }
}

extension SystemCallRule.Condition {
    fileprivate var comparison: scmp_arg_cmp {
        switch self {
        case .equal(let argument, let value): scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        case .bits(let argument, let mask, let value):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        case .atMost(let argument, let value): scmp_arg_cmp(arg: argument, op: SCMP_CMP_LE, datum_a: value, datum_b: 0)
        case .differs(let argument, let value): scmp_arg_cmp(arg: argument, op: SCMP_CMP_NE, datum_a: value, datum_b: 0)
        case .isOwnProcess(let argument):
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: UInt64(getpid()), datum_b: 0)
        }
    }
}
