import FunctionModel
import PolyglotFaaS
import Testing

/// Threads of guests that do what the C library would not let them do.
struct ThreadTests {
    /// `call(name, ...)`: a system call by its number on this machine.
    private static let systemCalls = """
        import ctypes, os, threading, time
        numbers = {
            "x86_64": {"rt_sigprocmask": 14, "tgkill": 234, "sigaltstack": 131},
            "aarch64": {"rt_sigprocmask": 135, "tgkill": 131, "sigaltstack": 132},
        }[os.uname().machine]
        libc = ctypes.CDLL(None, use_errno=True)
        def call(name, *arguments): return libc.syscall(numbers[name], *arguments)
        def block_all():
            mask = ctypes.c_uint64(2**64 - 1)
            call("rt_sigprocmask", 0, ctypes.byref(mask), None, 8)

        """

    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let source: String
        /// Why workers are replaced; nil: they are not.
        let retirement: String?
    }

    private static let cases = [
        Case(
            testDescription: "a thread of the call's blocks every signal",
            source: """
                n = 0
                def work(): block_all(); time.sleep(60)
                def handler(event):
                    global n
                    n += 1
                    threading.Thread(target=work, daemon=True).start(); time.sleep(0.01)
                    return n
                """, retirement: "threads"),
        Case(
            testDescription: "a thread of the source's blocks every signal in a call",
            source: """
                n = 0; go = threading.Event()
                def work(): go.wait(); block_all(); time.sleep(60)
                threading.Thread(target=work, daemon=True).start()
                def handler(event):
                    global n
                    n += 1
                    go.set(); time.sleep(0.01)
                    return n
                """, retirement: "threads"),
        Case(
            testDescription: "the guest sends the signal itself",
            source: """
                n = 0
                thread = threading.Thread(target=time.sleep, args=(600,), daemon=True); thread.start()
                def handler(event):
                    global n
                    n += 1
                    for _ in range(50):
                        call("tgkill", os.getpid(), thread.native_id, 33)
                        call("tgkill", os.getpid(), threading.get_native_id(), 33)
                    return n
                """, retirement: nil),
        Case(
            testDescription: "threads that start threads without end",
            source: """
                n = 0
                def work():
                    while True:
                        try: threading.Thread(target=time.sleep, args=(0.01,), daemon=True).start()
                        except RuntimeError: time.sleep(0.001)
                def handler(event):
                    global n
                    n += 1
                    threading.stack_size(64 << 10)
                    threading.Thread(target=work, daemon=True).start(); time.sleep(0.01)
                    return n
                """, retirement: nil),
        Case(
            testDescription: "a hundred threads of the source's",
            source: """
                threading.stack_size(64 << 10); n = 0
                for _ in range(100): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
                def handler(event):
                    global n
                    n += threading.active_count() - 100
                    return n
                """, retirement: nil),
    ]

    @Test(arguments: cases.indices)
    func `Every call of a function with odd threads is the first`(index: Int) async throws {
        let odd = Self.cases[index]
        try await OwnRuntime.with { own in
            let request = InvocationRequest(languageID: "python", sourceCode: Self.systemCalls + odd.source)
            for _ in 0..<8 {
                let outcome = await own.runtime.outcome(request)
                #expect(outcome == .value("1", logs: []), "\(odd.testDescription)")
            }
            #expect(Set(own.runtime.retiredWorkerCounts.keys) == Set([odd.retirement].compactMap { $0 }))
        }
    }
}
