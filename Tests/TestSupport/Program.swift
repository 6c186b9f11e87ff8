import Foundation
import Synchronization

/// How a program ended.
public enum ProgramExit: Equatable, Sendable {
    case code(Int32)
    case signal(Int32)
}

public struct ProgramResult: Sendable {
    public let exit: ProgramExit
    public let output: String
    public let errorOutput: String
}

public enum Program {
    /// Runs a program until it ends.
    ///
    /// - Parameter executable: a path, or a name to look up in PATH.
    /// - Parameter environment: changes of this process's environment; nil removes a variable.
    public static func run(
        _ executable: String, _ arguments: [String] = [], in directory: String = "/",
        environment: [String: String?] = [:],
        input: Data? = nil, within limit: Duration = .seconds(60)
    ) async throws -> ProgramResult {
        try await with(executable, arguments, in: directory, environment: environment, input: input) { program in
            let exit = try await program.waitForEnd(within: limit)
            return ProgramResult(exit: exit, output: program.output, errorOutput: program.errorOutput)
        }
    }

    /// Starts a program and kills its process group when `body` has returned.
    public static func with<Result>(
        _ executable: String, _ arguments: [String] = [], in directory: String = "/",
        environment: [String: String?] = [:],
        input: Data? = nil, _ body: (RunningProgram) async throws -> Result
    ) async throws -> Result {
        let program = try RunningProgram(
            executable, arguments, directory: directory, environment: environment, input: input)
        defer { program.end() }
        return try await body(program)
    }
}

/// Functions of glibc that Swift does not import.
private struct GlibcExtras: Sendable {
    typealias AddCloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt
    typealias AddChangeDirectory =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> CInt

    let addCloseFrom = unsafeBitCast(dlsym(nil, "posix_spawn_file_actions_addclosefrom_np"), to: AddCloseFrom.self)
    let addChangeDirectory = unsafeBitCast(
        dlsym(nil, "posix_spawn_file_actions_addchdir_np"), to: AddChangeDirectory.self)
}

private let glibc = GlibcExtras()

/// A running program that leads its own process group. Its streams are files, so it never waits for a reader.
public final class RunningProgram: Sendable {
    public let pid: pid_t
    private let streams: TemporaryDirectory
    private let exit = Mutex<ProgramExit?>(nil)

    fileprivate init(
        _ executable: String, _ arguments: [String], directory: String, environment changes: [String: String?],
        input: Data?
    ) throws {
        streams = try TemporaryDirectory()
        do {
            try (input ?? Data()).write(to: URL(fileURLWithPath: streams.path("in")))
            var environment = ProcessInfo.processInfo.environment
            for (name, value) in changes { environment[name] = value }
            pid = try Self.spawn(executable, arguments, directory, environment, streams)
        } catch {
            streams.remove()
            throw error
        }
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], _ directory: String, _ environment: [String: String],
        _ streams: TemporaryDirectory
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, streams.path("in"), O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, streams.path("out"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, streams.path("err"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard glibc.addCloseFrom(&actions, 3) == 0, glibc.addChangeDirectory(&actions, directory) == 0 else {
            throw TestFailure("no file actions for posix_spawn")
        }
        // Resets signals as a shell does: this process may ignore or block some.
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        let argv = ([executable] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, executable, &actions, &attributes, argv, envp)
        guard code == 0 else {
            throw TestFailure("\(executable) cannot be started: \(String(cString: strerror(code)))")
        }
        return pid
    }

    /// Everything it has written so far.
    public var output: String { text("out") }
    public var errorOutput: String { text("err") }

    private func text(_ stream: String) -> String {
        String(decoding: FileManager.default.contents(atPath: streams.path(stream)) ?? Data(), as: UTF8.self)
    }

    // MARK: Its end

    /// How it ended; nil while it runs.
    public var hasEnded: ProgramExit? { exit.withLock { collect(&$0, mustWait: false) } }

    public func waitForEnd(within limit: Duration = .seconds(60)) async throws -> ProgramExit {
        let end = ContinuousClock.now + limit
        while true {
            if let exit = hasEnded { return exit }
            if ContinuousClock.now > end {
                throw TestFailure("the program still runs after \(limit); it wrote:\n\(output)\n\(errorOutput)")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Sends a signal to the program only, not to its group. Does nothing if it has ended.
    public func send(_ signal: Int32) {
        exit.withLock { exit in if exit == nil { kill(pid, signal) } }
    }

    fileprivate func end() {
        exit.withLock { exit in
            if exit == nil { kill(-pid, SIGKILL) }
            _ = collect(&exit, mustWait: true)
        }
        streams.remove()
    }

    private func collect(_ exit: inout ProgramExit?, mustWait: Bool) -> ProgramExit? {
        if exit != nil { return exit }
        var information = siginfo_t()
        // Checks first and collects last: until then the process group's number cannot be reused.
        guard waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT | (mustWait ? 0 : WNOHANG)) == 0,
            information.si_signo == SIGCHLD
        else { return nil }
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        guard waitpid(pid, &status, 0) == pid else { return nil }
        exit = status & 0x7f == 0 ? .code((status >> 8) & 0xff) : .signal(status & 0x7f)
        return exit
    }
}
