import Foundation
import FunctionExecution
import FunctionModel
import Glibc
import SystemCalls

/// Builds one function's modules with esbuild, in a process with a sandbox of its own. Blocks until that has ended.
struct ScriptBuilder: Sendable {
    static let executable = "faas-script-builder"
    /// esbuild takes a second for the largest packages. A build that takes longer than this is killed.
    static let timeoutMillis = 30_000
    /// The largest output. A script and its source map must fit a frame.
    static let maximumOutputBytes = 48 << 20

    let executables: WorkerExecutables
    let sandbox: SandboxRequest
    /// As in the configuration.
    let esbuild: String?
    /// As in the configuration.
    let nodeModules: String

    /// - Throws: ``LoadError`` with file, line and column if the source is wrong, ``BuildUnavailable`` if it cannot be
    ///   built here.
    func build(_ definition: FunctionDefinition, node: NodeModules) throws -> BuiltScript {
        let layout = try ScriptLayout(definition, node: node)
        do {
            return try build(layout)
        } catch let error as LoadError where layout.followsAwait && BuildOutput.isAboutAwait(error) {
            return try build(ScriptLayout(definition, node: node, mayFollowAwait: false))
        }
    }

    private func build(_ layout: ScriptLayout) throws -> BuiltScript {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(layout.files, to: folder)
        return try BuildOutput.script(try output(of: layout, reading: [folder]), layout)
    }

    /// Makes one module of a project's files. It reads the project's folder and nothing else.
    ///
    /// - Parameter main: the main file, relative to the folder.
    /// - Returns: the function as it can be built and run anywhere.
    func bundle(_ definition: FunctionDefinition, main: String, project: String) throws -> FunctionDefinition {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let layout = ScriptLayout(
            project: definition, main: main, folder: folder, installed: Self.installedNodeModules(in: project),
            node: NodeModules(directory: nodeModules))
        try write(layout.files, to: folder)
        var bundled = definition
        bundled.sourceCode = BuildOutput.withoutFolder(try output(of: layout, reading: [project, folder]), folder)
        bundled.dependencies = [:]
        bundled.jsEvalAsModule = true
        // It is JavaScript now, also if it was TypeScript; its source map has the original names.
        bundled.sourceName =
            (definition.sourceName.lastIndex(of: ".").map { String(definition.sourceName[..<$0]) }
                ?? definition.sourceName) + ".js"
        return bundled
    }

    private static func installedNodeModules(in project: String) -> [String: String] {
        var found: [String: String] = [:]
        for (name, packages) in NodeModules.npmPackages {
            found[name] = packages.map { "\(project)/node_modules/\($0)" }.first { access($0, F_OK) == 0 }
        }
        return found
    }

    private func output(of layout: ScriptLayout, reading folders: [String]) throws -> String {
        let (output, exit) = try run(layout.arguments, reading: folders)
        let text = String(decoding: output, as: UTF8.self)
        switch exit {
        case .code(0):
            return text
        case .code(97):
            throw BuildUnavailable("The source needs a build, and it cannot be built here: \(text)")
        case .code:
            throw BuildOutput.error(text, layout)
        case .signal:
            throw BuildExhausted(
                message: "The source does not build: esbuild needed more time or memory than it may have (\(exit)).")
        }
    }

    /// Where esbuild is and which it is.
    func esbuildTool() throws -> BuildTools.Tool {
        let folder = try makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (output, exit) = try run(["--version"], reading: [folder])
        let text = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard exit == .code(0) else {
            throw BuildUnavailable("esbuild does not run in the sandbox of a build: \(text) (\(exit))")
        }
        return BuildTools.Tool(path: try findProgram(), version: String(text.prefix(100)))
    }

    // MARK: The folder

    private func makeFolder() throws -> String {
        var template = Array((NSTemporaryDirectory() + "faas-build-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template), let path = realpath(made, nil) else {
            throw BuildUnavailable("A folder for the build cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { free(path) }
        return String(cString: path)
    }

    private func write(_ files: [ScriptLayout.File], to folder: String) throws {
        for file in files {
            let path = "\(folder)/\(file.path)"
            do {
                try FileManager.default.createDirectory(atPath: parent(of: path), withIntermediateDirectories: true)
                // Two dependencies must not be the same file.
                try Data(file.text.utf8).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
            } catch CocoaError.fileWriteFileExists {
                throw LoadError("Two dependencies have the same name as files: '\(file.path)'.")
            } catch {
                if Descriptors.areExhausted { throw Overloaded.noDescriptors }
                throw LoadError("The dependencies cannot be laid out as files: \(error.localizedDescription)")
            }
        }
    }

    private func parent(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

    // MARK: The process

    private func run(_ arguments: [String], reading folders: [String]) throws -> (output: [UInt8], exit: ProcessExit) {
        let program = try findProgram()
        let builder = try executables.path(of: Self.executable)
        let (ours, theirs) = try Sockets.makeStreamPair()
        defer { Descriptors.close(ours) }
        let own = sandbox.arguments + ["--program=\(program)"] + folders.map { "--read=\($0)" } + ["--"]
        let pid: pid_t
        do {
            defer { Descriptors.close(theirs) }
            pid = try spawn(builder, own + arguments, theirs)
        }
        let handle = try Processes.takeHandle(ofChild: pid)
        defer { Descriptors.close(handle) }
        let output = read(ours)
        // It closed its end of the socket, or took too long or wrote too much.
        if output == nil || !Processes.waitForEnd(handle: handle, timeoutMillis: 1000) {
            Processes.kill(handle: handle)
        }
        let exit = try Processes.wait(for: pid)
        return (output ?? [], output == nil ? .signal(SIGKILL) : exit)
    }

    private func spawn(_ path: String, _ arguments: [String], _ socket: Int32) throws -> pid_t {
        let environment = ["GOMAXPROCS=2", "GOTRACEBACK=none"]
        if sandbox.wantsNamespaces {
            do {
                return try Processes.spawnIsolated(path, arguments: arguments, environment: environment, socket: socket)
            } catch {
                // Namespaces are not allowed here. The builder refuses to run if nothing else confines what it reads.
            }
        }
        return try Processes.spawn(path, arguments: arguments, environment: environment, socket: socket)
    }

    /// All output up to its end; nil if it takes too long or is too much.
    private func read(_ socket: Int32) -> [UInt8]? {
        var output: [UInt8] = []
        let deadline = MonotonicClock.now() + Int64(Self.timeoutMillis) * 1_000_000
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while output.count <= Self.maximumOutputBytes {
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let rest = (deadline - MonotonicClock.now()) / 1_000_000
            guard rest > 0 else { return nil }
            if poll(&entry, 1, Int32(rest)) <= 0 { continue }
            let count = buffer.withUnsafeMutableBytes { (try? Descriptors.read(into: $0, from: socket)) ?? 0 }
            if count == 0 { return output }
            output += buffer[..<count]
        }
        return nil
    }

    private func findProgram() throws -> String {
        let named = esbuild ?? ProcessInfo.processInfo.environment["FAAS_ESBUILD"]
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let candidates = named.map { [$0] } ?? folders.map { "\($0)/esbuild" }
        for candidate in candidates where access(candidate, X_OK) == 0 {
            guard let path = realpath(candidate, nil) else { continue }
            defer { free(path) }
            return String(cString: path)
        }
        let place = named.map { "'\($0)' cannot be run" } ?? "it is not on the PATH"
        throw BuildUnavailable(
            "JavaScript modules, TypeScript and JSX are built with esbuild, and \(place). "
                + "Install it ('apt install esbuild'), or set FAAS_ESBUILD to where it is.")
    }
}

/// esbuild needed more time or memory than it may have. It may succeed later.
struct BuildExhausted: Error {
    let message: String
}

/// This machine cannot build modules. Scripts without `import` and `export` run anyway.
struct BuildUnavailable: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
