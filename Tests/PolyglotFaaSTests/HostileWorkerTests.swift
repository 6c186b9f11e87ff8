import FunctionModel
import HostMemory
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

@testable import FunctionExecution

/// Workers that send too much, die early or say nothing. ``FakeWorkers`` has the functions that their programs use.
@Suite struct HostileWorkerTests {
    private static func run(
        _ runtime: FunctionRuntime, _ program: String, limits: FunctionLimits = FunctionLimits(),
        timeoutMillis: Int = 20_000
    ) async throws -> InvocationOutcome {
        var definition = FunctionDefinition(language: .python, sourceCode: program)
        definition.limits = limits
        let function = Function(id: try FunctionID("f"), revision: "1", definition: definition)
        return await runtime.run(
            function, event: ByteBuffer(string: "{}"), requestID: "r", timeoutMillis: timeoutMillis)
    }

    private static func error(_ outcome: InvocationOutcome) -> (any FunctionError)? {
        if case .failure(let error) = outcome.result { error as? any FunctionError } else { nil }
    }

    // MARK: Loading

    @Test func `Lines of a load that fails reach the caller, as many as the function's limit allows`() async throws {
        try await withFakeWorkers { runtime in
            let outcome = try await Self.run(
                runtime, "log('one'); log('two', 3); log(b'x' * 5000)\nlog('after')\nload_failed(3, 'no', 'KeyError')",
                limits: FunctionLimits(maxLogBytes: 1000))
            #expect(Self.error(outcome) is LoadError)
            #expect(
                outcome.logs == [
                    LogLine(level: .info, text: "one"), LogLine(level: .error, text: "two"),
                    LogLine(level: .warning, text: "[log cut: more than 1000 bytes]"),
                ])
        }
    }

    @Test(arguments: Language.all)
    func `What a source prints before it fails to load is in the outcome`(language: Language) async throws {
        let sources: [Language: String] = [
            .python: "print('connecting')\nimport os\nos.environ['DB_URL']\ndef handler(event): return 1",
            .javaScript: "console.log('connecting'); throw new Error('no DB_URL')",
        ]
        try await withRuntime { runtime in
            let function = Function(
                id: try FunctionID("f"), revision: "1",
                definition: FunctionDefinition(language: language, sourceCode: try #require(sources[language])))
            let outcome = await runtime.run(
                function, event: ByteBuffer(string: "{}"), requestID: "r", timeoutMillis: nil)
            #expect(Self.error(outcome) is LoadError)
            #expect(outcome.logs.map(\.text) == ["connecting"])
        }
    }

    @Test func `A process that ends while it loads leaves its lines to the caller`() async throws {
        try await withFakeWorkers { runtime in
            let outcome = try await Self.run(runtime, "log('almost'); os._exit(3)")
            #expect(Self.error(outcome)?.message == "The worker ended before it answered: exit code 3.")
            #expect(outcome.logs.map(\.text) == ["almost"])
        }
    }

    // MARK: Too much

    @Test func `A result that is too long is refused without being kept, and the worker serves on`() async throws {
        try await withFakeWorkers {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let program = """
                count = 0
                def answer():
                    global count
                    count += 1
                    result(b'1' * (30 << 20) if count % 2 else str(count))
                serve(answer)
                """
            for call in 1...4 {
                let outcome = try await Self.run(runtime, program, limits: FunctionLimits(maxResultBytes: 1024))
                if call % 2 == 0 {
                    #expect(try String(buffer: outcome.result.get()) == "\(call)")
                } else {
                    #expect(
                        Self.error(outcome)?.message
                            == "The result is \(30 << 20) bytes of JSON; the limit is 1024 bytes.")
                }
            }
            #expect(runtime.workerCount == 1)
        }
    }

    @Test func `A line longer than the log may be is cut`() async throws {
        try await withFakeWorkers { runtime in
            let outcome = try await Self.run(
                runtime, "def answer():\n  log('first'); log('€' * 20_000); log('later'); result('1')\nserve(answer)",
                limits: FunctionLimits(maxLogBytes: 1000))
            #expect(try String(buffer: outcome.result.get()) == "1")
            #expect(outcome.logs.map(\.text) == ["first", "[log cut: more than 1000 bytes]"])
        }
    }

    @Test func `An error message of megabytes is cut, and so is a stack`() async throws {
        try await withFakeWorkers { runtime in
            let message = try await Self.run(
                runtime, "serve(lambda: failure(4, 'x' * (3 << 20), 'Big', ['somewhere']))")
            let text = try #require(Self.error(message)?.message)
            #expect(text.utf8.count < (1 << 20) + 100)
            let end = String(text.suffix(70))
            #expect(end.hasSuffix("x [cut: the error was \((3 << 20) + 37) bytes; 1048576 are kept]"))
            let stack = try await Self.run(
                runtime, "serve(lambda: failure(4, 'no', 'Big', ['first'] + ['x' * 500_000] * 5))")
            let error = try #require(Self.error(stack) as? HandlerError)
            #expect(error.message == "no" && error.stackTrace.first == "first" && error.stackTrace.count == 4)
            #expect(error.stackTrace.last?.hasPrefix("[cut: ") == true)
        }
    }

    @Test func `A failure may name any line`() async throws {
        try await withFakeWorkers { runtime in
            for line in ["0x7fffffff", "0x80000000", "0xffffffff"] {
                let outcome = try await Self.run(
                    runtime,
                    "serve(lambda: frame(20, struct.pack('<BII', 4, \(line), \(line)) + text(b'E') + text(b'no')"
                        + " + struct.pack('<I', 0)))")
                #expect(Self.error(outcome)?.message == "no")
            }
        }
    }

    @Test func `A frame that may not come now is refused at its header`() async throws {
        try await withFakeWorkers { runtime in
            let outcome = try await Self.run(runtime, "half(19, 6 << 20, b'1')")
            #expect(Self.error(outcome)?.message == "The worker sent a frame at the wrong time (result).")
        }
    }

    @Test func `Half frames are drawn from the host's memory, and the call that does not fit is refused`() async throws
    {
        try await withFakeWorkers {
            // The budget is 64 MiB at least.
            ($0.hostMemoryShare, $0.maximumWorkers) = (0, 64)
        } _: { runtime in
            let half = 6 << 20
            var outcomes: [String: Int] = [:]
            var mostUsed = 0
            await withTaskGroup(of: String.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let program = "ready(); take(); half(19, \(half), b'1' * \(half - 1)) # \(number)"
                        let request = InvocationRequest.python(program, timeoutMillis: 4000)
                        let outcome = await runtime.outcome(of: request)
                        return outcome
                    }
                }
                group.addTask {
                    var most = 0
                    for _ in 0..<300 {
                        most = max(most, runtime.memory.used)
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                    return "used \(most)"
                }
                for await outcome in group {
                    if outcome.hasPrefix("used ") {
                        mostUsed = Int(outcome.dropFirst(5)) ?? 0
                    } else {
                        outcomes[outcome, default: 0] += 1
                    }
                }
            }
            #expect(runtime.memory.limit == 64 << 20)
            #expect(mostUsed <= 64 << 20 && mostUsed > 32 << 20, "\(mostUsed)")
            #expect(outcomes["Overloaded", default: 0] >= 9, "\(outcomes)")
            #expect(outcomes["InvocationTimeout", default: 0] >= 5, "\(outcomes)")
            await runtime.shutDown()
            #expect(runtime.memory.used == 0)
        }
    }

    // MARK: Dead spares

    /// A spare that is dead, but not reported dead, is given to a function. Sometimes it is still dying when the
    /// function is sent, sometimes it is not.
    @Test(arguments: [0, 0.3])
    func `A spare that died before it read its function fails no caller`(reportDelay: Double) async throws {
        try await withFakeWorkers(deadSpares: 3, reportDelay: reportDelay) {
            ($0.spareWorkersPerLanguage, $0.postponement) = (1, Postponement(isReversible: true))
        } _: { runtime in
            try await runtime.start([.python])
            for number in 0..<5 {
                let request = InvocationRequest.python("serve(lambda: result('\(number)'))")
                try await #expect(runtime.text(request) == "\(number)")
            }
        }
    }

    @Test func `Workers that never read their function fail the call in the end`() async throws {
        try await withFakeWorkers(neverReads: true) { runtime in
            await #expect(throws: WorkerCrashed.self) { try await runtime.invoke(.python("")) }
        }
    }
}
