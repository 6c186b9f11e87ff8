import Foundation
import FunctionModel
import HostMemory
import PolyglotFaaS
import TestSupport
import Testing

/// The host against workers that send anything.
@Suite struct LyingWorkerTests {
    /// A program for ``FakeWorkers``: answers, and now and then sends something else. What it sends follows from the
    /// seed, so a failure can be reproduced.
    private static func liar(seed: Int) -> String {
        """
        rng = random.Random(\(seed))
        def lie():
            what = rng.randrange(12)
            if what == 0: say(rng.randbytes(rng.randrange(1, 200)))
            elif what == 1: frame(rng.randrange(256), rng.randbytes(rng.randrange(100)))
            elif what == 2:
                half(rng.randrange(16, 23), rng.choice([0, 1, 0x4000000, 0x4000001, 0x7fffffff, 0xffffffff]))
            elif what == 3: say((struct.pack("<IB", 7, 19) + b'"right"')[:rng.randrange(12)])
            elif what == 4: result('"one"'); result('"two"'); ready()
            elif what == 5:
                for _ in range(rng.randrange(1, 50)): ready()
            elif what == 6:
                for _ in range(rng.randrange(1, 200)): frame(18, bytes([rng.randrange(8)]) + rng.randbytes(rng.randrange(50)))
            elif what == 7:
                length = struct.pack("<I", rng.choice([0, 3, 0xffffffff]))
                frame(20, struct.pack("<BII", rng.randrange(12), 1, 1) + length + rng.randbytes(rng.randrange(60)))
            elif what == 8: host.shutdown(rng.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))
            elif what == 9:
                descriptors = [os.open("/dev/null", 0) for _ in range(rng.randrange(1, 100))]
                socket.send_fds(host, [b"\\0"], descriptors)
            elif what == 10: os._exit(rng.randrange(3))
            else: os.kill(os.getpid(), rng.choice([6, 9, 11]))
        if rng.randrange(4) == 0: lie()
        def answer():
            for _ in range(rng.randrange(4)): lie()
            result('"right"')
        serve(answer)
        """
    }

    /// `LIAR_SEEDS`: how many seeds are tried.
    @Test func `Whatever a worker says, each call has one outcome in time, and the host loses nothing`() async throws {
        try await withFakeWorkers { runtime in
            var outcomes: [String: Int] = [:]
            let count = ProcessInfo.processInfo.environment["LIAR_SEEDS"].flatMap(Int.init) ?? 200
            await withTaskGroup(of: String.self) { group in
                for seed in 0..<count {
                    if seed >= 16, let outcome = await group.next() { outcomes[outcome, default: 0] += 1 }
                    group.addTask { await runtime.outcome(of: .python(Self.liar(seed: seed), timeoutMillis: 1000)) }
                }
                for await outcome in group { outcomes[outcome, default: 0] += 1 }
            }
            #expect(outcomes.values.reduce(0, +) == count, "\(outcomes)")
            #expect(outcomes["result", default: 0] > 0, "some lie late enough: \(outcomes)")
            #expect(outcomes["WorkerCrashed", default: 0] > 0, "some are caught: \(outcomes)")
            await runtime.shutDown()
            #expect(runtime.memory.used == 0)
        }
    }

    @Test(arguments: [
        ("'<script>alert(1)</script>'", true), ("b''", true), ("b'\\xff'", true), ("'1 2'", true), ("'NaN'", true),
        ("'[' + '1,' * 1_000_000 + ']'", true), ("'\"' + 'x' * 1_000_000", true), ("'1' * 20_000 + ' 2'", true),
        ("'[' + '1,' * 1_000_000 + '1]'", false), ("'\"é\"'", false),
    ])
    func `A result that is not JSON is not passed on, and ends its worker`(result: String, isLie: Bool) async throws {
        try await withFakeWorkers {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let program = "serve(lambda: result(\(result) if event == b'1' else '2'))"
            let outcome = await runtime.outcome(of: .python(program, 1, timeoutMillis: 20_000))
            #expect(outcome == (isLie ? "WorkerCrashed" : "result"))
            // Another worker serves the next call.
            try await waitUntil("it serves again") {
                await runtime.outcome(of: .python(program, 3, timeoutMillis: 20_000)) == "result"
            }
            await runtime.shutDown()
            try await waitUntil("nothing is drawn") { runtime.memory.used == 0 }
        }
    }

    @Test func `A zygote that sends nonsense is an error, not a hang`() async throws {
        for report in [
            "b''", "b'\\x30'", "b'\\x31' + b'\\0' * 12", "b'\\xff' * 100", "b'\\x30\\xff\\xff\\xff\\xff'",
            "b'x' * 4096",
        ] {
            try await TemporaryDirectory.with { directory in
                let path = try directory.write(
                    "#!/usr/bin/python3\nimport socket, time\nsocket.socket(fileno=3).send(\(report))\n"
                        + "time.sleep(60)\n",
                    to: "faas-worker-python")
                chmod(path, 0o755)
                try await withRuntime {
                    ($0.workerDirectory, $0.sandbox) = (directory.path, .off)
                } _: { runtime in
                    let request = InvocationRequest(languageID: "python", sourceCode: "", timeoutMillis: 5000)
                    do {
                        _ = try await runtime.invoke(request)
                        Issue.record("it has an answer")
                    } catch let error as any FunctionError {
                        #expect(
                            ["WorkerCrashed", "InvocationTimeout", "Overloaded"].contains(error.errorType),
                            "\(report): \(error.errorType)")
                    }
                }
            }
        }
    }
}
