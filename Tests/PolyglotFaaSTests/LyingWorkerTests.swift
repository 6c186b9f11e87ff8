import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// The host against workers that lie: every byte from a worker is hostile.
@Suite struct LyingWorkerTests {
    /// A zygote and workers that speak the protocol just well enough to be believed, and then say anything. What they
    /// say follows from the number in the function's source, so a failure can be had again. `LIAR_SEEDS`: how many
    /// numbers are tried.
    private static let liar = #"""
        #!/usr/bin/python3
        import os, random, re, socket, struct, sys
        host = socket.socket(fileno=3)
        host.send(struct.pack("<BI", 48, 4) + b"Liar" + b"\0")
        def frame(kind, payload): return struct.pack("<IB", len(payload), kind) + payload
        def read(worker, count):
            data = b""
            while len(data) < count:
                more = worker.recv(count - len(data))
                if not more: os._exit(0)
                data += more
            return data
        def read_frame(worker):
            length, kind = struct.unpack("<IB", read(worker, 5))
            return kind, read(worker, length)
        def lie(rng, worker):
            what = rng.randrange(12)
            if what == 0: worker.sendall(rng.randbytes(rng.randrange(1, 200)))
            elif what == 1: worker.sendall(frame(rng.randrange(256), rng.randbytes(rng.randrange(100))))
            elif what == 2: worker.sendall(struct.pack("<IB", rng.choice([0, 1, 0x4000000, 0x4000001, 0x7fffffff, 0xffffffff]), rng.randrange(16, 22)))
            elif what == 3: worker.sendall(frame(19, b'"right"')[:rng.randrange(12)])
            elif what == 4: worker.sendall(frame(19, b'"one"') + frame(19, b'"two"') + frame(16, b""))
            elif what == 5: worker.sendall(frame(16, b"") * rng.randrange(1, 50))
            elif what == 6: worker.sendall(frame(18, bytes([rng.randrange(8)]) + rng.randbytes(rng.randrange(50))) * rng.randrange(1, 200))
            elif what == 7: worker.sendall(frame(20, struct.pack("<BII", rng.randrange(12), 1, 1) + struct.pack("<I", rng.choice([0, 3, 0xffffffff])) + rng.randbytes(rng.randrange(60))))
            elif what == 8: worker.shutdown(rng.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))
            elif what == 9: socket.send_fds(worker, [b"\0"], [os.open("/dev/null", 0) for _ in range(rng.randrange(1, 100))])
            elif what == 10: os._exit(rng.randrange(3))
            else: os.kill(os.getpid(), rng.choice([6, 9, 11]))
        def work(worker):
            kind, payload = read_frame(worker)
            seed = int(re.search(rb"seed (\d+)", payload).group(1))
            rng = random.Random(seed)
            if rng.randrange(4) == 0: lie(rng, worker)
            worker.sendall(frame(16, b""))
            while True:
                read_frame(worker)
                for _ in range(rng.randrange(4)): lie(rng, worker)
                worker.sendall(frame(19, b'"right"') + frame(16, b""))
        children = {}
        while True:
            data, descriptors, _, _ = socket.recv_fds(host, 100, 4)
            if not data: os._exit(0)
            number = struct.unpack("<Q", data[1:9])[0]
            pid = os.fork()
            if pid == 0:
                host.close()
                try: work(socket.socket(fileno=descriptors[0]))
                except (OSError, ValueError): pass
                os._exit(1)
            os.close(descriptors[0])
            handle = os.pidfd_open(pid)
            socket.send_fds(host, [struct.pack("<BQi", 49, number, pid)], [handle])
            os.close(handle)
        """#

    private static func with<Result>(_ body: (FunctionRuntime) async throws -> Result) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let path = try directory.write(liar, to: "faas-worker-python")
            chmod(path, 0o755)
            return try await withRuntime {
                ($0.workerDirectory, $0.sandbox, $0.spareWorkersPerLanguage) = (directory.path, .off, 0)
            } _: {
                try await body($0)
            }
        }
    }

    @Test func `Whatever a worker says, each call has one outcome in time, and the host loses nothing`() async throws {
        try await Self.with { runtime in
            var outcomes: [String: Int] = [:]
            let count = ProcessInfo.processInfo.environment["LIAR_SEEDS"].flatMap(Int.init) ?? 200
            await withTaskGroup(of: String.self) { group in
                for seed in 0..<count {
                    if seed >= 16, let outcome = await group.next() { outcomes[outcome, default: 0] += 1 }
                    group.addTask {
                        let request = InvocationRequest(
                            languageID: "python", sourceCode: "seed \(seed)", timeoutMillis: 1000)
                        do {
                            return try await runtime.invoke(request).json.isEmpty ? "nothing" : "result"
                        } catch {
                            return (error as? any FunctionError)?.errorType ?? "\(error)"
                        }
                    }
                }
                for await outcome in group { outcomes[outcome, default: 0] += 1 }
            }
            #expect(outcomes.values.reduce(0, +) == count, "\(outcomes)")
            #expect(outcomes["result", default: 0] > 0, "some lie late enough: \(outcomes)")
            #expect(outcomes["WorkerCrashed", default: 0] > 0, "some are caught: \(outcomes)")
        }
    }

    @Test func `A zygote that says what makes no sense is an error, not a hang`() async throws {
        for report in [
            "b''", "b'\\x30'", "b'\\x31' + b'\\0' * 12", "b'\\xff' * 100", "b'\\x30\\xff\\xff\\xff\\xff'",
            "b'x' * 4096",
        ] {
            try await TemporaryDirectory.with { directory in
                let path = try directory.write(
                    "#!/usr/bin/python3\nimport socket, time\nsocket.socket(fileno=3).send(\(report))\ntime.sleep(60)\n",
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
