import Foundation
import FunctionExecution
import FunctionModel
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

/// What Python imports in its first call is there in later ones.
@Suite struct LearnedImportTests {
    /// A runtime with one worker, and a folder of packages with these files.
    private func withPackages(
        _ files: [String: String], idleTimeoutMillis: Int = 30_000, loadTimeoutMillis: Int = 10_000,
        _ body: (FunctionRuntime) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            try FileManager.default.createDirectory(atPath: directory.path("layer"), withIntermediateDirectories: true)
            for (name, text) in files { try directory.write(text, to: "layer/\(name)") }
            let folder = directory.path("layer")
            try await withRuntime {
                $0.maximumWorkersPerFunction = 1
                $0.idleTimeoutMillis = idleTimeoutMillis
                $0.loadTimeoutMillis = loadTimeoutMillis
                $0.artifactPath = { name in name == "packages-layer" ? folder : nil }
            } _: {
                try await body($0)
            }
        }
    }

    private func function(_ source: String, _ change: (inout FunctionDefinition) -> Void = { _ in }) throws -> Function
    {
        var definition = FunctionDefinition(
            language: .python, sourceCode: source, folders: FunctionFolders(packages: "packages-layer"))
        change(&definition)
        return Function(id: try FunctionID("f"), revision: "r", definition: definition)
    }

    private func call(_ function: Function, _ event: String = "{}", in runtime: FunctionRuntime) async -> String {
        let outcome = await runtime.run(function, event: ByteBuffer(string: event), requestID: "r", timeoutMillis: 0)
        switch outcome.result {
        case .success(let json): return String(buffer: json)
        case .failure(let error): return (error as? any FunctionError)?.errorType ?? "\(error)"
        }
    }

    /// Whether modules were there before this call, which imports them.
    private static func importing(_ names: String..., before: String = "") -> String {
        """
        import sys
        def handler(event):
            found = [name in sys.modules for name in \(names)]
            sys.in_call = True
            \(before)
            for name in \(names):
                try: __import__(name)
                except Exception: pass
            return found
        """
    }

    @Test func `Modules of the library and of packages that the first call imports are there in later calls`()
        async throws
    {
        try await withPackages(["lib/__init__.py": "", "lib/lazy.py": "", "space/inside.py": ""]) { runtime in
            let function = try function(Self.importing("xml.dom.minidom", "lib.lazy", "space.inside"))
            var found: [String] = []
            for _ in 0..<4 { found.append(await call(function, in: runtime)) }
            #expect(found == ["[false,false,false]"] + Array(repeating: "[true,true,true]", count: 3))
            #expect(runtime.retiredWorkerCount == 0)
        }
    }

    @Test(arguments: [Isolation.invocation, .process])
    func `Without learning, and in a process for each call, every call imports again`(isolation: Isolation) async throws
    {
        try await withPackages(["lazy.py": ""]) { runtime in
            let function = try function(Self.importing("lazy")) {
                $0.isolation = isolation
                $0.learnImports = isolation == .process
            }
            for _ in 0..<4 { #expect(await call(function, in: runtime) == "[false]") }
        }
    }

    @Test func `A function's own modules are not learned, whatever they are called`() async throws {
        try await withPackages(["lazy.py": "raise ImportError"]) { runtime in
            let function = try function(Self.importing("own", "lazy", "fractions", "virtual.part")) {
                $0.dependencies = [
                    "own": "import colorsys", "lazy": "", "fractions": "print('loaded')",
                    "virtual.part": "import sys",
                ]
            }
            for _ in 0..<4 { #expect(await call(function, in: runtime) == "[false,false,false,false]") }
            // What they import of a library is.
            let looks = try self.function(
                "import sys\ndef handler(event):\n    found = 'colorsys' in sys.modules\n    import own\n    return found"
            ) { $0.dependencies = ["own": "import colorsys"] }
            #expect(await call(looks, in: runtime) == "false")
            #expect(await call(looks, in: runtime) == "true")
        }
    }

    @Test func `An object that a call puts among the modules, under the name of one, is not learned`() async throws {
        try await withPackages(["lazy.py": ""]) { runtime in
            let function = try function(
                "import sys\ndef handler(event):\n    found = 'lazy' in sys.modules\n    sys.modules['lazy'] = sys\n    return found"
            )
            for _ in 0..<3 { #expect(await call(function, in: runtime) == "false") }
        }
    }

    @Test func `A call that changes its environment or path before it imports teaches nothing`() async throws {
        try await withPackages(["lazy.py": "import os\nvalue = os.environ.get('MODE')"]) { runtime in
            for change in ["os.environ['MODE'] = 'fast'", "sys.path.append('/somewhere')"] {
                let source = """
                    import os, sys
                    def handler(event):
                        \(change)
                        import lazy
                        return lazy.value
                    """
                let first = await call(try function(source), in: runtime)
                for _ in 0..<3 { #expect(await call(try function(source), in: runtime) == first) }
            }
        }
    }

    /// Modules that do in the call what they do not do elsewhere, or the other way about.
    @Test(arguments: [
        ("raise ValueError if not hasattr(sys, 'in_call') else ''", "raises"),
        ("print('hello', end='') or print('there')", "prints"),
        ("hasattr(sys, 'in_call') or os._exit(1)", "ends the process"),
        ("hasattr(sys, 'in_call') or os.kill(os.getpid(), 11)", "crashes"),
        ("hasattr(sys, 'in_call') or exec('while True: pass')", "never ends"),
        ("hasattr(sys, 'in_call') or exec('raise SystemExit')", "exits"),
        ("hasattr(sys, 'in_call') or os.fork() or time.sleep(60)", "forks"),
        ("globals().update(pipe=os.pipe())", "opens a pipe"),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "starts a thread"),
        ("hasattr(sys, 'in_call') or bytearray(90 << 20)", "uses much memory for a moment"),
        ("globals().update(data=b'x' * (70 << 20))", "keeps more than half of the memory"),
    ])
    func `A module that does harm when it is imported early does not break its function`(body: String, what: String)
        async throws
    {
        let statement = body.hasPrefix("raise") ? "if not hasattr(sys, 'in_call'): raise ValueError" : body
        let module = "import os, sys, threading, time\n\(statement)\n"
        try await withPackages(["first.py": "", "harm.py": module, "last.py": ""], loadTimeoutMillis: 2000) { runtime in
            let function = try function(Self.importing("first", "harm", "last"))
            for number in 0..<6 {
                let answer = await call(function, in: runtime)
                #expect(answer.hasPrefix("["), "\(what), call \(number): \(answer)")
            }
            // What comes before it is learned, or nothing is.
            let later = await call(function, in: runtime)
            #expect(["[true,", "[false,"].contains { later.hasPrefix($0) }, "\(later)")
        }
    }

    @Test func `What a module prints while it is learned is no line of a call`() async throws {
        try await withPackages(["loud.py": "print('loud')"]) { runtime in
            let function = try function(Self.importing("loud"))
            var lines: [[String]] = []
            for _ in 0..<4 {
                let outcome = await runtime.run(function, event: ByteBuffer(), requestID: "r", timeoutMillis: 0)
                lines.append(outcome.logs.map(\.text))
            }
            #expect(lines == [["loud"], [], [], []])
        }
    }

    @Test func `A new worker imports while it loads what an earlier one has learned`() async throws {
        try await withPackages(["lazy.py": ""], idleTimeoutMillis: 100) { runtime in
            let function = try function(Self.importing("lazy"))
            for _ in 0..<2 { _ = await call(function, in: runtime) }
            try await waitUntil("the worker has ended") { runtime.workerCount == 0 }
            #expect(await call(function, in: runtime) == "[true]")
            // Another function knows nothing of it.
            #expect(await call(try self.function(Self.importing("lazy") + "\n"), in: runtime) == "[false]")
        }
    }

    @Test func `A worker that does not load with what was stored is replaced, and its call does not fail`() async throws
    {
        // Each file stands for what another host, or a broken disk, has stored for the revision.
        try await withPackages(
            ["dies.py": "import os\nos._exit(1)", "hangs.py": "while True: pass"],
            loadTimeoutMillis: 1500
        ) { runtime in
            for name in ["dies", "hangs"] {
                let source = "def handler(event): return '\(name)'"
                let function = Function(
                    id: try FunctionID("f"), revision: name, definition: try function(source).definition)
                runtime.remember(imports: [name: ["json", name, "not.there", "no name"]])
                #expect(await call(function, in: runtime) == "\"\(name)\"")
            }
        }
    }

    @Test func `Random numbers of a library that is learned differ from call to call`() async throws {
        // The generator behind random.random() is made when the module is imported.
        let source = "def handler(event):\n    import random, secrets\n    return random.random()"
        try await withPackages([:]) { runtime in
            var seen: Set<String> = []
            for _ in 0..<6 { seen.insert(await call(try function(source), in: runtime)) }
            #expect(seen.count == 6)
        }
    }

    @Test func `A call that finds no memory beside what was learned fails once at most`() async throws {
        try await withPackages(["large.py": "data = b'x' * (50 << 20)"]) { runtime in
            let source = """
                def handler(event):
                    if event == 'import':
                        import large
                        return len(large.data) >> 20
                    return len(bytearray(120 << 20)) >> 20
                """
            let function = try function(source)
            for _ in 0..<3 { #expect(await call(function, "\"import\"", in: runtime) == "50") }
            var answers: [String] = []
            for _ in 0..<6 { answers.append(await call(function, "\"allocate\"", in: runtime)) }
            #expect(answers.first == "MemoryLimitExceeded")
            #expect(answers.dropFirst().allSatisfy { $0 == "120" }, "\(answers)")
        }
    }
}
