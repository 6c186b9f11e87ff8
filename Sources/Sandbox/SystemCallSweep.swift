import CSandbox
import CSeccomp
import Glibc
import SystemCalls

/// Tries every system call under the real filters, each in its own process. Prints a line for each: number, name,
/// verdict.
public enum SystemCallSweep {
    private enum Phase: String, CaseIterable {
        case loading
        case serving
    }

    /// Called in a confined zygote.
    /// - Returns: false if the sweep fails.
    public static func run(_ sandbox: Sandbox) -> Bool {
        for phase in Phase.allCases {
            for number in 0...600 {
                guard let verdict = verdict(sandbox, phase, { faas_try_call(number) }) else { return false }
                print("\(phase.rawValue) \(number) \(name(Int32(number))) \(verdict)")
            }
            for (what, call) in [
                ("x32-getpid", { faas_try_call(0x4000_0000 | 39) }),
                ("x32-ptrace", { faas_try_call(0x4000_0000 | 521) }),
                ("int-0x80", { faas_try_other_architecture() }),
            ] as [(String, () -> Int32)] {
                guard let verdict = verdict(sandbox, phase, call) else { return false }
                print("\(phase.rawValue) - \(what) \(verdict)")
            }
        }
        return true
    }

    private static func name(_ number: Int32) -> String {
        guard let name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number) else { return "?" }
        defer { free(name) }
        return String(cString: name)
    }

    private static func verdict(_ sandbox: Sandbox, _ phase: Phase, _ call: () -> Int32) -> String? {
        guard let (ours, theirs) = try? Sockets.makeStreamPair(), let side = try? Processes.fork() else { return nil }
        switch side {
        case .child:
            // The argument 0 also means standard input: fchmod(0, 0) would close /dev/null to the whole machine.
            let file = faas_memory_file()
            guard file >= 0, (try? Descriptors.duplicate(file, as: 0)) != nil,
                (try? Descriptors.duplicate(theirs, as: 3)) != nil, (try? Descriptors.closeAll(from: 4)) != nil,
                (try? sandbox.confineWorker()) != nil,
                let serving = try? sandbox.beforeLoading(forks: false, memoryBytes: nil),
                phase == .loading || (try? serving.load()) != nil
            else { _exit(99) }
            let answer = call()
            _ = try? withUnsafeBytes(of: answer) { try Descriptors.writeAll($0, to: 3) }
            _exit(0)
        case .parent(let pid):
            Descriptors.close(theirs)
            defer { Descriptors.close(ours) }
            return outcome(of: pid, ours)
        }
    }

    private static func outcome(of pid: pid_t, _ socket: Int32) -> String? {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        // Some calls wait without end.
        let isDone = poll(&entry, 1, 200) > 0
        var answer: Int32 = 0
        let hasAnswered =
            isDone
            && (try? withUnsafeMutableBytes(of: &answer) { try Descriptors.readExactly(into: $0, from: socket) })
                == true
        Processes.kill(child: pid)
        guard let exit = try? Processes.wait(for: pid), exit != .code(99) else { return nil }
        if exit == .signal(SIGSYS) { return "ends" }
        if hasAnswered, answer == -EPERM || answer == -EOPNOTSUPP { return "refused" }
        if hasAnswered, answer == -ENOSYS { return "unknown" }
        return "allowed"
    }
}
