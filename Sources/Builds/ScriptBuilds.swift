import Crypto
import Foundation
import FunctionExecution
import FunctionModel
import Synchronization
import SystemCalls

/// What has been built: each content once, in memory and, if there is a folder, on disk.
public final class ScriptBuilds: SourceBuilder {
    private typealias Waiter = @Sendable (Result<BuiltScript, any Error>) -> Void

    private struct State {
        var known: [Function: Result<BuiltScript, LoadError>] = [:]
        var knownBytes = 0
        /// Builds that needed more time or memory than they may have. Another time it may be enough: the machine was
        /// busy.
        var exhausted = RepeatedFailures<Function>(
            maximumDelay: ScriptBuilds.maximumDelay, tolerated: 0, firstDelay: ScriptBuilds.firstDelay)
        /// Being built, and who waits for it.
        var waiting: [Function: [Waiter]] = [:]
        var waiterCount = 0
        var queue: [Function] = []
        var threads = 0

        mutating func remember(_ result: Result<BuiltScript, LoadError>, _ function: Function) {
            let bytes = (try? result.get()).map { $0.script.utf8.count + $0.sourceMap.utf8.count } ?? 0
            if known.count >= ScriptBuilds.maximumKnown || knownBytes + bytes > ScriptBuilds.maximumKnownBytes {
                known.removeAll()
                knownBytes = 0
            }
            known[function] = result
            knownBytes += bytes
        }
    }

    let builder: ScriptBuilder
    private let directory: String?
    private let state = Mutex(State())

    /// A build is mostly processor time, and invocations need some too.
    private static let maximumThreads = 2
    /// As many as may wait for workers by default.
    private static let maximumWaiters = 4096
    /// Functions in use keep their own, and the folder has the rest.
    private static let maximumKnown = 1000
    private static let maximumKnownBytes = 64 << 20
    /// Nanoseconds until a build that was too much is tried again, the first time and at most: each try may take all of
    /// a core for ``ScriptBuilder/timeoutMillis``.
    static let firstDelay: Int64 = 60_000_000_000
    static let maximumDelay: Int64 = 3_600_000_000_000

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

    /// What this machine has for builds. Starts esbuild, and waits for it.
    package var tools: BuildTools { builder.tools() }

    /// Makes one module of a JavaScript function and the files that it imports: those in its project's folder, and what
    /// `node_modules` there has. The build reads nothing else.
    ///
    /// - Parameters:
    ///   - main: the function's source file, relative to `project`.
    ///   - project: the absolute path of the folder, without symbolic links in it.
    package func bundle(
        _ definition: FunctionDefinition, main: String, project: String
    ) async throws -> FunctionDefinition {
        let builder = builder
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        do {
                            return try builder.bundle(definition, main: main, project: project)
                        } catch let error as BuildUnavailable {
                            throw LoadError(error.message)
                        } catch let error as BuildExhausted {
                            throw LoadError(error.message)
                        }
                    })
            }
        }
    }

    /// Gives the function what it is built to (``Function/built``), then calls `completion`: at once if it is known,
    /// else from a thread of its own. Fails with ``LoadError``, or another error if this host cannot build now.
    public func build(_ function: Function, _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        let waiter: Waiter = { result in
            if case .success(let built) = result { function.built = built }
            completion(result.map { _ in })
        }
        enum Next {
            case done(Result<BuiltScript, LoadError>)
            case refuse, wait, startThread
        }
        let next: Next = state.withLock { state in
            if let known = state.known[function] { return .done(known) }
            if let pause = state.exhausted.pause(of: function, now: now()) {
                return .done(.failure(LoadError(pause.lastFailure)))
            }
            guard state.waiterCount < Self.maximumWaiters else { return .refuse }
            state.waiterCount += 1
            if state.waiting[function] != nil {
                state.waiting[function]!.append(waiter)
                return .wait
            }
            state.waiting[function] = [waiter]
            state.queue.append(function)
            guard state.threads < Self.maximumThreads else { return .wait }
            state.threads += 1
            return .startThread
        }
        switch next {
        case .done(let result): waiter(result.mapError { $0 })
        case .refuse: waiter(.failure(Overloaded("As many calls wait for a build as may.")))
        case .wait: break
        case .startThread: Thread.detachNewThread { [self] in work() }
        }
    }

    private func work() {
        while let function = next() {
            let (result, memory) = findOrBuild(function.definition)
            let waiters = state.withLock { state in
                switch memory {
                case .always:
                    state.remember(result, function)
                    state.exhausted.succeeded(function)
                case .forAWhile(let reason):
                    let now = now()
                    state.exhausted.forgetOld(now: now)
                    state.exhausted.failed(function, reason, now: now)
                case .never:
                    break
                }
                let waiters = state.waiting.removeValue(forKey: function) ?? []
                state.waiterCount -= waiters.count
                return waiters
            }
            for waiter in waiters { waiter(result.mapError { $0 }) }
        }
    }

    private func next() -> Function? {
        state.withLock { state in
            guard state.queue.isEmpty else { return state.queue.removeFirst() }
            state.threads -= 1
            return nil
        }
    }

    // MARK: On disk

    /// How long a result is true.
    private enum Memory {
        case always
        /// The reason is told until it is tried again.
        case forAWhile(String)
        /// What is missing on this machine may be there the next time.
        case never
    }

    private func findOrBuild(_ definition: FunctionDefinition) -> (Result<BuiltScript, LoadError>, Memory) {
        let node = NodeModules(directory: builder.nodeModules)
        let path = directory.map { "\($0)/\(Self.fileName(of: definition, node))" }
        if let path, let found = Self.read(path) { return (.success(found), .always) }
        do {
            let built = try build(definition, node)
            if let path { Self.write(built, to: path) }
            return (.success(built), .always)
        } catch let error as LoadError {
            return (.failure(error), .always)
        } catch let error as BuildExhausted {
            return (.failure(LoadError(error.message)), .forAWhile(error.message))
        } catch {
            let reason = (error as? BuildUnavailable)?.message ?? (error as? any FunctionError)?.message ?? "\(error)"
            return (.failure(LoadError(reason)), .never)
        }
    }

    /// Where the folder has what this is built to.
    private static func fileName(of definition: FunctionDefinition, _ node: NodeModules) -> String {
        "\(definition.buildKey(node)).json"
    }

    /// What the files in the folder are called that hold what became of these.
    package static func fileNames(of definitions: [FunctionDefinition]) -> Set<String> {
        let node = NodeModules(directory: FunctionRuntime.Configuration().nodeModulesDirectory)
        return Set(definitions.map { fileName(of: $0, node) })
    }

    private static func read(_ path: String) -> BuiltScript? {
        // Anything that is not a whole build, for example after a loss of power, is as good as none.
        guard let data = FileManager.default.contents(atPath: path), let json = try? JSONValue(json: Array(data)),
            let script = json["script"]?.stringValue, let sourceMap = json["sourceMap"]?.stringValue
        else { return nil }
        return BuiltScript(script: script, sourceMap: sourceMap)
    }

    /// It can be built again, so a full disk is no reason to fail.
    private static func write(_ built: BuiltScript, to path: String) {
        let json: JSONValue = ["script": .string(built.script), "sourceMap": .string(built.sourceMap)]
        try? FileManager.default.createDirectory(
            atPath: String(path[..<path.lastIndex(of: "/")!]), withIntermediateDirectories: true)
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
