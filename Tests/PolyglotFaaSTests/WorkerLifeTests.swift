import Foundation
import FunctionModel
import PolyglotFaaS
import Synchronization
import TestSupport
import Testing

@Suite struct WorkerLifeTests {
    @Test func `Shutting down from a cancelled task ends what runs and returns`() async throws {
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = Binaries.directory.path
        configuration.spareWorkersPerLanguage = 0
        let runtime = FunctionRuntime(configuration: configuration)
        let call = Task { try await runtime.text(.js("exports.handler = () => { for (;;); }")) }
        try await waitUntil("it runs") { runtime.workerCount == 1 }
        let end = Task {
            // Cancelled before it begins.
            while !Task.isCancelled { await Task.yield() }
            await runtime.shutDown(gracePeriod: .seconds(3600))
        }
        end.cancel()
        await end.value
        #expect(runtime.workerCount == 0)
        await #expect(throws: (any Error).self) { _ = try await call.value }
    }

    @Test(arguments: [
        ("os._exit(0)", "exit code 0"), ("os._exit(3)", "exit code 3"), ("os.abort()", "signal 6"),
        ("os.kill(os.getpid(), 9)", "signal 9"),
        ("ctypes.string_at(0)", "signal 11"), ("os.kill(os.getppid(), 9)", "ended before it answered"),
    ])
    func `A process that dies in the handler is one clear error, and the next call answers`(
        body: String, reason: String
    ) async throws {
        let source = "import os, ctypes\ndef handler(event):\n  if event: \(body)\n  return 'alive'"
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let error = try await #require(throws: WorkerCrashed.self) {
                try await runtime.invoke(.python(source, true))
            }
            #expect(error.message.contains(reason), "\(error.message)")
            try await #expect(runtime.value(.python(source, false)) == "alive")
        }
    }

    @Test func `A process that dies while the source loads is one clear error`() async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: WorkerCrashed.self) {
                try await runtime.invoke(.python("import os\nos._exit(7)"))
            }
            #expect(error.message == "The worker ended before it answered: exit code 7.")
        }
    }

    /// Frames by hand: a result, then another, then "ready", on every descriptor that takes them.
    private static let forger = """
        import os, struct
        def frame(kind, payload): return struct.pack('<IB', len(payload), kind) + payload
        def handler(event):
          if event["evil"]:
            for descriptor in range(3, 64):
              try: os.write(descriptor, frame(19, b'"forged 1"') + frame(19, b'"forged 2"') + frame(16, b''))
              except OSError: pass
          return event["nonce"]
        """

    @Test func `At the process level a guest cannot answer twice or for a later call`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for _ in 0..<5 {
                var evil = InvocationRequest.python(Self.forger, ["evil": true, "nonce": 0])
                evil.isolation = .process
                // A guest may forge its own answer; this test checks the answers of others.
                _ = try? await runtime.invoke(evil)
                for nonce in Int64(0)..<5 {
                    var good = InvocationRequest.python(Self.forger, ["evil": false, "nonce": .integer(nonce)])
                    good.isolation = .process
                    try await #expect(runtime.value(good) == .integer(nonce))
                }
            }
        }
    }

    @Test func `A guest that forges answers harms no other function, at any level`() async throws {
        try await withRuntime { runtime in
            for isolation in Isolation.allCases {
                for nonce in Int64(0)..<10 {
                    var evil = InvocationRequest.python(Self.forger, ["evil": true, "nonce": 0])
                    evil.isolation = isolation
                    async let forged = try? runtime.invoke(evil)
                    let good = InvocationRequest.python("def handler(event): return event", .integer(nonce))
                    try await #expect(runtime.value(good) == .integer(nonce))
                    _ = await forged
                }
            }
        }
    }

    @Test(arguments: [
        "b'\\x01'", "b'\\xff\\xff\\xff\\xff\\x13'", "b'\\x00\\x00\\x00\\x00\\x63'",
        "b'\\x02\\x00\\x00\\x00\\x12\\x09\\x41'",
        "b'\\x05\\x00\\x00\\x00\\x14junk!'",
    ])
    func `Bytes that are no frame end that worker and nothing else`(bytes: String) async throws {
        let source = "import os\ndef handler(event):\n  if event: os.write(3, \(bytes)); os._exit(0)\n  return 'alive'"
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            await #expect(throws: WorkerCrashed.self) { try await runtime.invoke(.python(source, true)) }
            try await #expect(runtime.value(.python(source, false)) == "alive")
        }
    }

    @Test func `Log lines of one invocation are bounded, with a notice`() async throws {
        try await withRuntime {
            $0.maximumLogBytes = 1000
        } _: { runtime in
            for request in [
                InvocationRequest.js(
                    "exports.handler = () => { for (let i = 0; i < 1000; i++) console.log('x'.repeat(99)) }"),
                .python("def handler(e):\n  for i in range(1000): print('x' * 99)"),
            ] {
                let logs = try await runtime.invoke(request).logs
                #expect(logs.count == 11)
                #expect(logs.last?.text == "[log cut: more than 1000 bytes]")
            }
        }
    }

    @Test func `An idle worker ends after the idle timeout`() async throws {
        try await withRuntime {
            $0.idleTimeoutMillis = 50
        } _: { runtime in
            try await #expect(runtime.value(.js("exports.handler = () => 1")) == 1)
            try await eventually { runtime.workerCount == 0 }
            try await #expect(runtime.value(.js("exports.handler = () => 1")) == 1)
        }
    }

    @Test func `More functions than workers are all served`() async throws {
        try await withRuntime {
            $0.maximumWorkers = 3
        } _: { runtime in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let function = number % 10
                        let request: InvocationRequest =
                            function.isMultiple(of: 2)
                            ? .js("exports.handler = e => [\(function), e]", .integer(Int64(number)))
                            : .python("def handler(e): return [\(function), e]", .integer(Int64(number)))
                        return try await runtime.value(request) == [.integer(Int64(function)), .integer(Int64(number))]
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(runtime.workerCount <= 3)
        }
    }

    @Test func `A full queue refuses at once, and what waits is served`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
            $0.maximumWaitingPerFunction = 2
        } _: { runtime in
            let source = "exports.handler = ms => new Promise(resolve => setTimeout(() => resolve('done'), ms))"
            let outcomes = await withTaskGroup(of: String.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        do { return try await runtime.value(.js(source, 300)).stringValue ?? "" } catch {
                            return "\(type(of: error))"
                        }
                    }
                }
                return await group.reduce(into: [:] as [String: Int]) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes["TooManyRequests"]! >= 3)
            #expect(outcomes["done"]! + outcomes["TooManyRequests"]! == 6)
        }
    }

    @Test func `After shutting down nothing runs and nothing is accepted`() async throws {
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = Binaries.directory.path
        // So that the process numbers which the function sees are those that we see.
        configuration.sandbox = .off
        let runtime = FunctionRuntime(configuration: configuration)
        let pid = try #require(
            try await runtime.value(.python("import os\ndef handler(e): return os.getppid()")).integerValue)
        #expect(processIsAlive(pid))
        let source = "exports.handler = ms => new Promise(resolve => setTimeout(() => resolve(1), ms))"
        // The worker is warm, so the call below runs well before the runtime is told to end.
        _ = try await runtime.invoke(.js(source, 0))
        let running = Task { try await runtime.invoke(.js(source, 1500)) }
        try await Task.sleep(for: .milliseconds(500))
        await runtime.shutDown()
        let last = try await running.value.value
        #expect(last == 1, "what was running has finished")
        #expect(!processIsAlive(pid))
        await #expect(throws: ShuttingDown.self) { try await runtime.invoke(.js("exports.handler = () => 1")) }
    }

    @Test func `A caller that gives up as its answer comes does not end the next caller's worker`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let source = "exports.handler = event => event"
            _ = try await runtime.invoke(.js(source))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in Int64(0)..<8 {
                    group.addTask {
                        for call in Int64(0)..<300 {
                            if caller % 2 == 0 {
                                try await #expect(runtime.value(.js(source, .integer(call))) == .integer(call))
                            } else {
                                let task = Task { try await runtime.invoke(.js(source, .integer(call))) }
                                // From at once to about the time that a call takes.
                                for _ in 0..<(call % 40) { await Task.yield() }
                                task.cancel()
                                _ = await task.result
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `A worker whose state cannot be put back is replaced and counted`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let source = "import os\ndef handler(stays):\n  if stays: os.dup2(os.pipe()[1], 2)\n  return 1"
            // The first call is in a process of its own.
            for _ in 0..<3 { try await #expect(runtime.value(.python(source, false)) == 1) }
            #expect(runtime.retiredWorkerCount == 0)
            try await #expect(runtime.value(.python(source, true)) == 1)
            try await #expect(runtime.value(.python(source, false)) == 1)
            #expect(runtime.retiredWorkerCount == 1)
        }
    }

    @Test func `A call that was sent to a worker which cannot be put back is answered by another`() async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 2
        } _: { runtime in
            // What is printed once the answer has been given belongs to no call.
            let source = """
                import os, threading, time
                def chatter():
                  for i in range(100): print(i); time.sleep(0.0001)
                def handler(number):
                  if number % 3 == 0:
                    threading.Thread(target=chatter, daemon=True).start()
                    os.dup2(os.pipe()[1], 2)
                  return number
                """
            for _ in 0..<4 { try await #expect(runtime.value(.python(source, 1)) == 1) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<120 {
                    group.addTask {
                        try await #expect(
                            runtime.value(.python(source, .integer(Int64(number)))) == .integer(Int64(number)))
                    }
                }
                try await group.waitForAll()
            }
            #expect(runtime.retiredWorkerCount > 0)
        }
    }

    /// The end of a killed worker travels from the kernel by way of its zygote and an event loop; shutting down waits
    /// for it.
    @Test func `No worker is left when shutting down returns, also right after one was killed`() async throws {
        for _ in 0..<10 {
            let runtime = try await withRuntime { runtime in
                await #expect(throws: InvocationTimeout.self) {
                    try await runtime.invoke(.js("function handler() { while (true) {} }", timeoutMillis: 50))
                }
                return runtime
            }
            #expect(runtime.workerCount == 0)
        }
    }

    @Test func `Shutting down does not wait longer than the grace period`() async throws {
        try await withRuntime { runtime in
            let source = "exports.handler = stuck => { while (stuck) {} }"
            _ = try await runtime.invoke(.js(source, false))
            let stuck = Task { try await runtime.invoke(.js(source, true)) }
            try await Task.sleep(for: .milliseconds(500))
            await runtime.shutDown(gracePeriod: .milliseconds(100))
            #expect(runtime.workerCount == 0)
            // Killed; or, on a slow machine, not yet begun.
            await #expect(throws: (any Error).self) { try await stuck.value }
        }
    }

    @Test func `A runtime that is dropped takes its processes with it`() async throws {
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = Binaries.directory.path
        // So that the process numbers which the function sees are those that we see.
        configuration.sandbox = .off
        let pid: Int64
        do {
            let runtime = FunctionRuntime(configuration: configuration)
            pid = try #require(
                try await runtime.value(.python("import os\ndef handler(e): return os.getppid()")).integerValue)
        }
        try await eventually { !processIsAlive(pid) }
    }

    @Test func `A missing worker executable is an error that says where it was looked for`() async throws {
        try await withRuntime {
            $0.workerDirectory = "/nonexistent"
        } _: { runtime in
            let error = try await #require(throws: WorkerExecutableNotFound.self) { try await runtime.invoke(.js("")) }
            #expect(error.searched == ["/nonexistent"])
            await #expect(throws: WorkerExecutableNotFound.self) { try await runtime.start() }
        }
    }

    @Test func `A worker executable that is none is a clear error, not a hang`() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("faas-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.createSymbolicLink(
            at: directory.appendingPathComponent("faas-worker-javascript"),
            withDestinationURL: URL(fileURLWithPath: "/bin/false"))
        try await withRuntime {
            $0.workerDirectory = directory.path
        } _: { runtime in
            let error = try await #require(throws: WorkerCrashed.self) { try await runtime.invoke(.js("")) }
            #expect(error.message.hasPrefix("The JavaScript zygote ended"))
            await #expect(throws: WorkerCrashed.self) { try await runtime.start([.javaScript]) }
        }
    }

    @Test func `A language that is unknown is refused by name`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest(languageID: "ruby", sourceCode: "")
            let error = try await #require(throws: UnsupportedLanguage.self) { try await runtime.invoke(request) }
            #expect(error.message == "Unsupported language 'ruby': use one of 'js', 'python'.")
        }
    }
}

/// Waits for something outside this process to come true.
func eventually(within limit: Duration = .seconds(10), _ condition: () -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while !condition() {
        try #require(ContinuousClock.now < end, "it did not come true within \(limit)")
        try await Task.sleep(for: .milliseconds(10))
    }
}
