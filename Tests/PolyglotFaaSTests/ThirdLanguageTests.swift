import FunctionModel
import Glibc
import PolyglotFaaS
import TestSupport
import Testing

/// What it takes to add a language: one entry, and a worker that speaks the protocol.
@Suite struct ThirdLanguageTests {
    private static let echo = Language(
        id: "echo", name: "Echo", workerExecutable: "faas-worker-echo", fileExtension: "echo",
        capabilities: .init(outOfMemory: .init(name: "TooLarge", messagePrefix: "no memory")))

    /// Answers each event with itself, and fails where the event says so.
    private static let worker = #"""
        #!/usr/bin/python3
        import os, socket, struct
        READY, RESULT, FAILURE = 16, 19, 20
        host = socket.socket(fileno=3)
        host.send(struct.pack("<BI", 48, 4) + b"Echo" + b"\0")
        def read(worker, count):
            data = b""
            while len(data) < count:
                more = worker.recv(count - len(data))
                if not more: os._exit(0)
                data += more
            return data
        def read_frame(worker):
            length, kind = struct.unpack("<IB", read(worker, 5))
            return read(worker, length)
        def send(worker, kind, payload=b""): worker.sendall(struct.pack("<IB", len(payload), kind) + payload)
        def text(value): return struct.pack("<I", len(value)) + value
        FULL = struct.pack("<BII", 4, 0, 0) + text(b"TooLarge") + text(b"no memory for this") + struct.pack("<I", 0)
        def work(worker):
            read_frame(worker)
            send(worker, READY)
            while True:
                event = read_frame(worker)
                event = event[event.index(b"{"):]
                if b"full" in event: send(worker, FAILURE, FULL)
                else: send(worker, RESULT, event)
                send(worker, READY)
        while True:
            data, descriptors, _, _ = socket.recv_fds(host, 100, 4)
            if not data: os._exit(0)
            number = struct.unpack("<Q", data[1:9])[0]
            pid = os.fork()
            if pid == 0:
                host.close()
                try: work(socket.socket(fileno=descriptors[0]))
                except OSError: pass
                os._exit(1)
            os.close(descriptors[0])
            handle = os.pidfd_open(pid)
            socket.send_fds(host, [struct.pack("<BQi", 49, number, pid)], [handle])
            os.close(handle)
        """#

    private static func withEcho(_ body: (FunctionRuntime) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            chmod(try directory.write(worker, to: echo.workerExecutable), 0o755)
            try await withRuntime {
                ($0.workerDirectory, $0.sandbox) = (directory.path, .off)
                $0.languages = Language.all + [echo]
            } _: {
                try await body($0)
            }
        }
    }

    private static func request(_ event: JSONValue) -> InvocationRequest {
        InvocationRequest(languageID: "echo", sourceCode: "any", event: event, timeoutMillis: 10_000)
    }

    @Test func `A function in a third language is called like any other`() async throws {
        try await Self.withEcho { runtime in
            for number in 1...3 {
                let event: JSONValue = ["number": .integer(Int64(number))]
                try await #expect(runtime.value(Self.request(event)) == event)
            }
            try await #expect(runtime.start([Self.echo]) == ["Echo"])
        }
    }

    @Test func `Its entry says how its engine reports that memory was refused`() async throws {
        try await Self.withEcho { runtime in
            await #expect(throws: MemoryLimitExceeded(limitMB: 128)) {
                try await runtime.value(Self.request(["full": true]))
            }
        }
    }

    @Test func `Other runtimes do not know it`() async throws {
        try await withRuntime { runtime in
            await #expect(throws: UnsupportedLanguage(id: "echo", supported: ["js", "python"])) {
                try await runtime.value(Self.request([:]))
            }
        }
    }
}
