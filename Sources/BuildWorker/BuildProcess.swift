import Glibc
import Sandbox
import SystemCalls

/// Becomes esbuild, in a sandbox. Started by the host for one build:
///
///     faas-script-builder --sandbox=… --program=/usr/bin/esbuild --read=<folder> [--read=<folder>…] -- <esbuild's
///     arguments>
///
/// Descriptor 3 is a socket that takes what esbuild writes. Exit code 97: it was not started, and the socket says why.
enum BuildProcess {
    static func run() -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let own = arguments.prefix { $0 != "--" }
        do {
            // Messages and the built script go the same way: esbuild writes one or the other.
            try Descriptors.duplicate(3, as: 1)
            try Descriptors.duplicate(3, as: 2)
            try Descriptors.closeAll(from: 3)
            // The host waits for this process on a thread that lives until it has ended.
            _ = try Processes.endWithParent(getppid())
            guard let program = values(of: "program", in: own).first else { end("No program was named.") }
            let missing = try BuildSandbox(settings: SandboxSettings(arguments: Array(own)), systemCalls: .building)
                .confine(program: program, folders: values(of: "read", in: own))
            if own.contains("--sandbox=required") && !missing.isEmpty {
                end("The sandbox is required, and this machine does not offer \(missing.joined(separator: " and ")).")
            }
            let error = Processes.become(program, arguments: Array(arguments.dropFirst(own.count + 1)))
            end("\(program) cannot be started: \(error)")
        } catch {
            end("The sandbox cannot be made: \(error)")
        }
    }

    private static func values(of option: String, in arguments: ArraySlice<String>) -> [String] {
        arguments.filter { $0.hasPrefix("--\(option)=") }.map { String($0.dropFirst(option.utf8.count + 3)) }
    }

    private static func end(_ reason: String) -> Never {
        let text = Array(reason.utf8)
        _ = try? text.withUnsafeBytes { try Descriptors.writeAll($0, to: 1) }
        _exit(97)
    }
}
