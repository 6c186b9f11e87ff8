import Foundation

/// A fake zygote with fake workers, which speak the real protocol and otherwise do what the source of the function
/// says: a Python program that runs in place of an engine. It has
///
/// | | | |---|---| | `source`, `event` | text of the function, bytes of the last invocation's event | | `ready()`,
/// `result(json)`, `log(text, level=1)` | the frames of an honest worker | | `failure(kind, message, name="",
/// stack=())`, `load_failed(…)` | its failures; kinds as in `WorkerProtocol.Failure` | | `frame(kind, payload)`,
/// `half(kind, length, payload)`, `say(bytes)` | any bytes | | `long(kind, length, start)` | a frame of `start` and as
/// many `1` as it takes, with little memory | | `take()` | waits for an invocation and sets `event` | | `serve(answer)`
/// | `ready()`, then for each invocation `answer()` and `ready()` | | `host` | the socket |
///
/// When the program is over, the worker waits until the host ends it. An empty program serves `null`.
public enum FakeWorkers {
    /// Writes the executables of all languages into a directory, which becomes the `workerDirectory` of a runtime
    /// without a sandbox.
    ///
    /// - Parameters:
    ///   - deadSpares: how many spares end at once. Their ends are reported after `reportDelay`.
    ///   - neverReads: whether every process ends at once.
    ///   - reportDelay: seconds from a process's end to the zygote's report of it.
    public static func install(
        in directory: String, deadSpares: Int = 0, neverReads: Bool = false,
        reportDelay: Double = 0
    ) throws {
        let program = zygote.replacing("DEAD_SPARES", with: "\(deadSpares)")
            .replacing("NEVER_READS", with: neverReads ? "True" : "False")
            .replacing("REPORT_DELAY", with: "\(reportDelay)")
        for name in ["faas-worker-javascript", "faas-worker-python"] {
            let file = URL(fileURLWithPath: "\(directory)/\(name)")
            try Data(program.utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
    }

    private static let zygote = #"""
        #!/usr/bin/python3
        import os, random, re, select, signal, socket, struct, time

        control = socket.socket(fileno=3)
        control.send(struct.pack("<BI", 48, 4) + b"Fake" + b"\0")

        class Closed(Exception): pass

        def read(count):
            data = b""
            while len(data) < count:
                more = host.recv(count - len(data))
                if not more: raise Closed
                data += more
            return data
        def read_frame():
            length, kind = struct.unpack("<IB", read(5))
            return kind, read(length)

        def text(value): return struct.pack("<I", len(value)) + value
        def encode(value): return value if isinstance(value, bytes) else value.encode()
        def say(data): host.sendall(data)
        def half(kind, length, payload=b""): say(struct.pack("<IB", length, kind) + payload)
        def frame(kind, payload=b""): half(kind, len(payload), payload)
        def long(kind, length, start=b""):
            half(kind, length, start)
            rest, piece = length - len(start), b"1" * (1 << 20)
            while rest > 0:
                say(piece[:rest])
                rest -= len(piece)
        def ready(): frame(16)
        def log(value, level=1): frame(18, bytes([level]) + encode(value))
        def result(json): frame(19, encode(json))
        def failure_payload(kind, message, name="", stack=()):
            return (struct.pack("<BII", kind, 0, 0) + text(encode(name)) + text(encode(message))
                    + struct.pack("<I", len(stack)) + b"".join(text(encode(line)) for line in stack))
        def failure(*arguments, **more): frame(20, failure_payload(*arguments, **more))
        def load_failed(*arguments, **more): frame(17, failure_payload(*arguments, **more))
        def take():
            global event
            kind, payload = read_frame()
            place = 8
            for _ in ("request id", "traceparent", "tracestate"):
                (length,) = struct.unpack("<I", payload[place:place + 4])
                place += 4 + length
            event = payload[place:]
            return event
        def serve(answer):
            ready()
            while True:
                take()
                answer()
                ready()

        def load():
            global source
            kind, payload = read_frame()
            place, fields = 17, []
            for _ in range(5):
                (length,) = struct.unpack("<I", payload[place:place + 4])
                fields.append(payload[place + 4:place + 4 + length])
                place += 4 + length
            source = fields[4].decode()

        def work():
            load()
            if source.strip(): exec(compile(source, "script", "exec"), globals())
            else: serve(lambda: result("null"))
            while host.recv(1 << 16): pass

        dead_spares, never_reads, report_delay = DEAD_SPARES, NEVER_READS, REPORT_DELAY
        workers, ended = {}, []
        while True:
            readable, _, _ = select.select([control], [], [], 0.02)
            if readable:
                data, descriptors, _, _ = socket.recv_fds(control, 100, 4)
                if not data: os._exit(0)
                _, number, is_spare, _ = struct.unpack("<BQBB", data)
                dies = never_reads or is_spare and dead_spares > 0
                dead_spares -= dies
                pid = os.fork()
                if pid == 0:
                    control.close()
                    if dies: os._exit(9)
                    host = socket.socket(fileno=descriptors[0])
                    try: work()
                    except (OSError, Closed): pass
                    os._exit(1)
                os.close(descriptors[0])
                workers[pid] = number
                handle = os.pidfd_open(pid)
                socket.send_fds(control, [struct.pack("<BQi", 49, number, pid)], [handle])
                os.close(handle)
            while workers:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0: break
                ended.append((time.monotonic() + report_delay, workers.pop(pid), status))
            while ended and ended[0][0] <= time.monotonic():
                _, number, status = ended.pop(0)
                control.send(struct.pack("<BQi", 51, number, status & 0xffff))
        """#
}
