import Crypto
import Foundation
import FunctionExecution
import FunctionModel
import HostMemory
import Synchronization
import SystemCalls

/// Builds scripts, bundles and packages, each in a process of its own, one after the other (``BuildQueue``). It keeps
/// what has been built: each content once, in memory and, if there is a directory, on disk.
public final class ScriptBuilds: SourceBuilder {
    let builder: ScriptBuilder
    /// Where results are kept on disk; nil: only memory has them.
    package let directory: String?
    private let queue = BuildQueue()
    private let state: Mutex<ScriptBuildState>
    private let build: @Sendable (FunctionDefinition, NodeModules) throws -> BuiltScript
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - directory: keeps what has been built; nil: only memory does.
    ///   - build: what makes a script, for tests; else `builder` does.
    ///   - now: the monotonic clock.
    init(
        builder: ScriptBuilder, directory: String?, now: @escaping @Sendable () -> Int64 = MonotonicClock.now,
        build: (@Sendable (FunctionDefinition, NodeModules) throws -> BuiltScript)? = nil
    ) {
        self.builder = builder
        self.directory = directory
        self.now = now
        self.build = build ?? { try builder.build($0, node: $1) }
        state = Mutex(
            ScriptBuildState(memory: ByteBudget(limit: ScriptBuildState.maximumKnownBytes)))
    }

    /// Builds as a runtime's configuration says.
    public convenience init(_ configuration: FunctionRuntime.Configuration) {
        self.init(
            builder: ScriptBuilder(
                executables: WorkerExecutables(directory: configuration.workerDirectory),
                sandbox: configuration.sandboxRequest, esbuild: configuration.esbuild,
                nodeModules: configuration.nodeModulesDirectory),
            directory: configuration.buildDirectory)
    }

    deinit { state.withLock { $0.removeAll() } }

    /// Results and waiting jobs are reserved from this budget from now on.
    package func draw(from memory: ByteBudget) {
        queue.draw(from: memory)
        state.withLock { $0.draw(from: memory) }
    }

    /// What this machine has for builds. Starts esbuild, and waits for it.
    package var tools: BuildTools { builder.tools() }

    /// Installs packages, as jobs of this queue.
    package func packageInstaller(for language: Language) -> PackageInstaller {
        PackageInstaller(queue: queue, executables: builder.executables, language: language)
    }

    /// Makes one module of a JavaScript function and the files that it imports: those in its project's folder, and what
    /// `node_modules` there has. The build reads nothing else.
    ///
    /// - Parameters:
    ///   - main: the function's source file, relative to `project`.
    ///   - project: the absolute path of the folder, without symbolic links in it.
    /// - Throws: ``LoadError`` that says what is wrong, or ``Overloaded``.
    package func bundle(
        _ definition: FunctionDefinition, main: String, project: String
    ) async throws -> FunctionDefinition {
        try await queue.run(bytes: definition.sourceBytes) { [builder] in
            do {
                return try builder.bundle(definition, main: main, project: project)
            } catch let error as BuildUnavailable {
                throw LoadError(error.message)
            } catch let error as BuildExhausted {
                throw LoadError(error.message)
            }
        }
    }

    /// Gives the function what it is built to (``Function/built``).
    /// - Throws: ``LoadError`` that says what is wrong with the source and where, or ``Overloaded``.
    package func build(_ function: Function) async throws {
        try await withCheckedThrowingContinuation { continuation in
            build(function) { continuation.resume(with: $0) }
        }
    }

    /// Gives the function what it is built to (``Function/built``), then calls `completion`: at once if it is known,
    /// else on a thread of the queue. Fails with ``LoadError`` or ``Overloaded``.
    public func build(_ function: Function, _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        let waiter: ScriptBuildState.Waiter = { result in
            if case .success(let built) = result { function.built = built }
            completion(result.map { _ in })
        }
        switch state.withLock({ $0.add(function, waiter, now: now()) }) {
        case .known(let result): waiter(result.mapError { $0 })
        case .refused: waiter(.failure(BuildQueue.full))
        case .waiting: break
        case .build:
            let isAdmitted = queue.submit(bytes: function.definition.sourceBytes) { [self] in
                finish(function, findOrBuild(function.definition))
            }
            if !isAdmitted { finish(function, .unavailable(BuildQueue.full)) }
        }
    }

    private func finish(_ function: Function, _ outcome: ScriptBuildState.Outcome) {
        let result: Result<BuiltScript, any Error> =
            switch outcome {
            case .built(let script): .success(script)
            case .failed(let error), .exhausted(let error): .failure(error)
            case .unavailable(let error): .failure(error)
            }
        for waiter in state.withLock({ $0.finish(function, outcome, now: now()) }) { waiter(result) }
    }

    // MARK: On disk

    private func findOrBuild(_ definition: FunctionDefinition) -> ScriptBuildState.Outcome {
        let node = NodeModules(directory: builder.nodeModules)
        let path = directory.map { "\($0)/\(Self.fileName(of: definition, node))" }
        if let path, let found = Self.read(path) { return .built(found) }
        do {
            let built = try build(definition, node)
            if let path { Self.write(built, to: path) }
            return .built(built)
        } catch let error as LoadError {
            return .failed(error)
        } catch let error as SystemCallError where error.isOutOfDescriptors {
            return .unavailable(Overloaded.noDescriptors)
        } catch let error as Overloaded {
            return .unavailable(error)
        } catch let error as BuildExhausted {
            return .exhausted(LoadError(error.message))
        } catch {
            let reason = (error as? BuildUnavailable)?.message ?? (error as? any FunctionError)?.message ?? "\(error)"
            return .unavailable(LoadError(reason))
        }
    }

    /// The name of the file that holds what this is built to.
    private static func fileName(of definition: FunctionDefinition, _ node: NodeModules) -> String {
        "\(definition.buildKey(node)).json"
    }

    /// The names of the files in ``directory`` that hold what these are built to.
    package func fileNames(of definitions: [FunctionDefinition]) -> Set<String> {
        let node = NodeModules(directory: builder.nodeModules)
        return Set(definitions.map { Self.fileName(of: $0, node) })
    }

    private static func read(_ path: String) -> BuiltScript? {
        // A file that is not a whole build, for example after a loss of power, is ignored.
        guard let data = FileManager.default.contents(atPath: path), let json = try? JSONValue(json: Array(data)),
            let script = json["script"]?.stringValue, let sourceMap = json["sourceMap"]?.stringValue
        else { return nil }
        return BuiltScript(script: script, sourceMap: sourceMap)
    }

    /// An error is ignored: the script can be built again.
    private static func write(_ built: BuiltScript, to path: String) {
        let json: JSONValue = ["script": .string(built.script), "sourceMap": .string(built.sourceMap)]
        try? FileManager.default.createDirectory(
            atPath: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), withIntermediateDirectories: true)
        try? Data(json.jsonBytes()).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

extension FunctionDefinition {
    /// Names everything that a build depends on. Each text has its length before it.
    fileprivate func buildKey(_ node: NodeModules) -> String {
        var hash = SHA256()
        func add(_ text: String) {
            hash.update(data: Data("\(text.utf8.count):".utf8))
            hash.update(data: Data(text.utf8))
        }
        add("PolyglotFaaS build, version 2")
        for text in [sourceName, functionName, sourceCode] { add(text) }
        for (name, source) in dependencies.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            add(name)
            add(source)
        }
        for file in node.files {
            add(file.path)
            add(file.text)
        }
        return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
