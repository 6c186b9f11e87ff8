import Foundation
import FunctionExecution
import FunctionModel
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

/// A call that finds enough memory once finds it every time, and an error of memory says so.
@Suite struct MemoryRuleTests {
    private static let allocating: [Language: String] = [
        .python: """
        def handler(event):
            kept = [bytearray(event[0]) for _ in range(event[1])]
            return len(kept)
        """,
        .javaScript: """
        exports.handler = event => {
          const kept = [];
          for (let i = 0; i < event[1]; i++) kept.push(new Uint8Array(event[0]).fill(1));
          return kept.length;
        }
        """,
    ]

    private func request(_ language: Language, _ event: JSONValue, isolation: Isolation = .invocation)
        -> InvocationRequest
    {
        var request: InvocationRequest =
            language == .python
            ? .python(Self.allocating[language] ?? "", event) : .js(Self.allocating[language] ?? "", event)
        request.isolation = isolation
        return request
    }

    /// In pieces of the sizes that allocators treat in different ways, nearly all that the function may have.
    @Test(
        arguments: Language.all,
        [(1000, 60_000), (100_000, 600), (1 << 20, 60), (5 << 20, 12), (20 << 20, 3), (60 << 20, 1)])
    func `What the first call may allocate, every call may`(language: Language, pieces: (size: Int, count: Int))
        async throws
    {
        try await withRuntime {
            ($0.memoryMB, $0.maximumWorkersPerFunction) = (64, 1)
        } _: { runtime in
            let event: JSONValue = [.integer(Int64(pieces.size)), .integer(Int64(pieces.count))]
            for number in 0..<8 {
                let outcome = await runtime.outcome(of: request(language, event))
                #expect(outcome == "result", "call \(number)")
            }
            #expect(runtime.retiredWorkerCount == 0)
        }
    }

    @Test func `Every call finds the same limit, the first one too`() async throws {
        // The source uses memory of its own, as packages do.
        let source = """
            kept = [bytearray(1000) for _ in range(20_000)]
            def handler(event):
                pieces = []
                try:
                    while True: pieces.append(bytearray(1 << 20))
                except MemoryError:
                    count = len(pieces)
                    del pieces
                    return count
            """
        try await withRuntime {
            ($0.memoryMB, $0.maximumWorkersPerFunction) = (96, 1)
        } _: { runtime in
            var counts: [Int64] = []
            for _ in 0..<6 { counts.append(try #require(try await runtime.value(.python(source)).integerValue)) }
            let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
            #expect(least >= 96 - 20 && most - least <= 2, "\(counts)")
        }
    }

    @Test(arguments: [Isolation.invocation, .instance])
    func `A crash is not blamed on memory that an earlier call has used`(isolation: Isolation) async throws {
        let source = """
            import ctypes, time
            def handler(event):
                if event == "crash": ctypes.string_at(0)
                pieces = []
                try:
                    while True: pieces.append(b"x" * (1 << 20))
                except MemoryError: pass
                # The host looks every 5 ms.
                time.sleep(0.1)
                return len(pieces)
            """
        try await withRuntime {
            ($0.memoryMB, $0.maximumWorkersPerFunction) = (64, 1)
        } _: { runtime in
            for _ in 0..<3 {
                var request = InvocationRequest.python(source, "fill")
                request.isolation = isolation
                let count = try #require(try await runtime.value(request).integerValue)
                #expect(count > 50)
            }
            var request = InvocationRequest.python(source, "crash")
            request.isolation = isolation
            let error = try await #require(throws: WorkerCrashed.self) { try await runtime.invoke(request) }
            #expect(error.message.contains("signal 11"), "\(error.message)")
        }
    }

    @Test(arguments: [
        "raise MemoryError()", "bytearray(1 << 30)",
        "raise ImportError('lib.so: failed to map segment from shared object')",
        "raise ImportError('lib.so: cannot map zero-fill pages')",
        "try:\n  bytearray(1 << 30)\nexcept MemoryError as error: raise ImportError('wrapped') from error",
        "import mmap; mmap.mmap(-1, 1 << 30)",
    ])
    func `A source that finds no memory while it loads says what to do`(source: String) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: MemoryLimitExceeded.self) {
                try await runtime.invoke(.python("\(source)\ndef handler(event): pass"))
            }
            #expect(
                error.message == "Memory limit of 128 MB exceeded while the function loads. Its manifest can ask for "
                    + "more ('memoryMB').")
        }
    }

    @Test func `Other errors that end an import are not taken for a lack of memory`() async throws {
        try await withRuntime { runtime in
            for source in ["raise ImportError('no such thing')", "raise OSError(2, 'No such file')", "1 / 0"] {
                await #expect(throws: LoadError.self) {
                    try await runtime.invoke(.python("\(source)\ndef handler(event): pass"))
                }
            }
        }
    }

    @Test func `A handler that answers a lack of memory with an error of its own means that one`() async throws {
        let source = """
            def handler(event):
                try: bytearray(1 << 30)
                except MemoryError as error:
                    if event: raise ValueError("too large") from error
                    raise
            """
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.python(source, true))
            }
            #expect(error.errorType == "ValueError")
            await #expect(throws: MemoryLimitExceeded(limitMB: 128)) {
                try await runtime.invoke(.python(source, false))
            }
        }
    }

    // MARK: Threads

    @Test(arguments: Isolation.allCases)
    func `Twenty-five threads that wait have room in the usual memory`(isolation: Isolation) async throws {
        let source = """
            import time
            from concurrent.futures import ThreadPoolExecutor
            def handler(event):
                with ThreadPoolExecutor(25) as pool:
                    return len(list(pool.map(lambda x: time.sleep(0.05), range(25))))
            """
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            var request = InvocationRequest.python(source)
            request.isolation = isolation
            for _ in 0..<4 { try await #expect(runtime.value(request) == 25) }
        }
    }

    @Test func `A thread that cannot start says what threads take`() async throws {
        let source = """
            import threading, time
            def handler(event):
                done = threading.Event()
                threads = []
                try:
                    for _ in range(250):
                        threads.append(threading.Thread(target=done.wait))
                        threads[-1].start()
                finally:
                    done.set()
            """
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(.python(source)) }
            #expect(
                error.message.contains("can't start new thread (a function may have 256 threads"), "\(error.message)")
            #expect(error.message.contains("4 MB of 'memoryMB'"), "\(error.message)")
        }
    }

    /// Each of them recurses in C, with the largest frames that were found.
    @Test(arguments: [
        "def down(n): return down(n + 1)", "def down(n): return list(map(down, [n + 1]))",
        "def down(n): return sorted([n, n + 1], key=down)", "def down(n): return max([n], key=lambda k: down(k + 1))",
        "class A:\n  def __getattr__(self, name): return getattr(self, name + 'x')\ndef down(n): return A().x",
        "class A:\n  def __repr__(self): return repr(self)\ndef down(n): return repr(A())",
        "class A:\n  def __eq__(self, other): return [self] == [other]\ndef down(n): return A() == A()",
        "import re\ndef down(n): return re.sub('.', lambda match: down(n + 1), 'xx')",
        "import json\nclass A: pass\ndef down(n): return json.dumps(A(), default=lambda a: [A()])",
        "import pickle\nclass A:\n  def __reduce__(self): return (str, (A(),))\n"
            + "def down(n): return pickle.dumps(A())",
        "import functools\n@functools.lru_cache\ndef down(n): return down(n + 1)",
        "import ast\ndef down(n): return ast.literal_eval('-' * 5000 + '1')",
        "import copy\ndef down(n):\n  x = []\n  for _ in range(5000): x = [x]\n  return copy.deepcopy(x)",
    ])
    func `Recursion without end in a thread is an error, not a crash`(down: String) async throws {
        let source = """
            import threading
            \(down)
            def handler(event):
                errors = []
                def run():
                    try: down(0)
                    except BaseException as error: errors.append(type(error).__name__)
                thread = threading.Thread(target=run)
                thread.start()
                thread.join()
                return errors
            """
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for _ in 0..<3 {
                let errors = try await runtime.text(.python(source, timeoutMillis: 20_000))
                #expect([#"["RecursionError"]"#, #"["MemoryError"]"#].contains(errors), "\(errors)")
            }
        }
    }

    @Test(arguments: [Isolation.invocation, .instance])
    func `Locks and pools of multiprocessing that need no process work`(isolation: Isolation) async throws {
        let source = """
            from multiprocessing import Lock, Semaphore, BoundedSemaphore
            from multiprocessing.pool import ThreadPool
            def handler(event):
                lock, two = Lock(), BoundedSemaphore(2)
                with lock: taken = lock.acquire(block=False)
                with two, two: third = two.acquire(block=False)
                late = Semaphore(0).acquire(timeout=0.01)
                with ThreadPool(3) as pool: values = pool.map(abs, [-1, -2, -3])
                return [taken, third, late, values]
            """
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            var request = InvocationRequest.python(source)
            request.isolation = isolation
            for _ in 0..<4 { try await #expect(runtime.text(request) == "[false,false,false,[1,2,3]]") }
        }
    }
}
