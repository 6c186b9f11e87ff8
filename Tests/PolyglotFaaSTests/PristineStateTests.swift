import FunctionModel
import PolyglotFaaS
import Testing

/// Each test leaves something behind in one invocation and looks for it in the next, which is served by the same
/// worker: one worker a function. Where a trace could only be luck, it is looked for many times.
@Suite struct PristineStateTests {
    /// At both levels that promise it: in the calls before the snapshot, after it, and in a process for each.
    private func runAgain(_ request: InvocationRequest, check: (JSONValue) -> Void) async throws {
        for isolation in [Isolation.invocation, .process] {
            var request = request
            request.isolation = isolation
            try await withRuntime {
                $0.maximumWorkersPerFunction = 1
            } _: { runtime in
                for _ in 0..<8 { check(try await runtime.value(request)) }
                #expect(runtime.workerCount == 1, "the same worker served all calls")
            }
        }
    }

    @Test(arguments: [
        ("a global", "globalThis.trace = 1", "typeof trace"),
        ("a variable of the source", "counter++", "counter === 0 ? 'undefined' : 'counter'"),
        ("a method of Object.prototype", "Object.prototype.trace = 1", "typeof ({}).trace"),
        (
            "a method of Array.prototype", "Array.prototype.push = 1",
            "typeof [].push === 'function' ? 'undefined' : 'push'"
        ),
        (
            "a replaced JSON.stringify", "JSON.stringify = () => 'x'",
            "JSON.stringify(1) === '1' ? 'undefined' : 'stringify'"
        ),
        (
            "a replaced Promise.prototype.then", "Promise.prototype.then = 1",
            "typeof Promise.prototype.then === 'function' ? 'undefined' : 'then'"
        ),
        ("a replaced console", "console.log = 1", "typeof console.log === 'function' ? 'undefined' : 'log'"),
        ("a property of a built-in function", "Math.max.trace = 1", "typeof Math.max.trace"),
        ("a module's exports", "require('lib').trace = 1", "typeof require('lib').trace"),
        ("a module's private state", "require('lib').set(1)", "typeof require('lib').get()"),
        (
            "the last match of a regular expression", "/(tra)ce/.exec('trace')",
            "RegExp.$1 === '' ? 'undefined' : RegExp.$1"
        ),
        (
            "a property of a well-known symbol's registry", "Symbol.for('x').constructor.trace = 1",
            "typeof Symbol.trace"
        ),
        ("a timer", "setTimeout(() => { globalThis.trace = 1 }, 0)", "typeof trace"),
        (
            "a microtask that never ends",
            "(async () => { for (;;) { globalThis.trace = 1; await new Promise(() => {}) } })()", "typeof trace"
        ),
        ("a getter on globalThis", "Object.defineProperty(globalThis, 'trace', { get: () => 1 })", "typeof trace"),
        (
            "a frozen prototype", "Object.freeze(Array.prototype)",
            "Object.isFrozen(Array.prototype) ? 'frozen' : 'undefined'"
        ),
        ("a replaced handler", "handler = () => 'forged'", "'undefined'"),
        (
            "a time zone or locale setting", "Date.prototype.toString = () => 'forged'",
            "String(new Date(0)) === 'forged' ? 'forged' : 'undefined'"
        ),
    ])
    func `JavaScript leaves nothing behind`(what: String, leave: String, look: String) async throws {
        let source = """
            let counter = 0;
            function handler(event) {
              const found = \(look);
              \(leave);
              return found;
            }
            """
        let library = "let state; exports.set = value => { state = value }; exports.get = () => state"
        try await runAgain(.js(source, dependencies: ["lib": library])) { #expect($0 == "undefined", "\(what)") }
    }

    @Test(arguments: [
        ("a module global", "global counter; counter += 1", "counter or None"),
        ("a name in builtins", "import builtins; builtins.trace = 1", "getattr(__import__('builtins'), 'trace', None)"),
        ("an entry of sys.modules", "import sys; sys.modules['trace'] = sys", "__import__('sys').modules.get('trace')"),
        (
            "an attribute of a module of the library", "import json; json.trace = 1",
            "getattr(__import__('json'), 'trace', None)"
        ),
        (
            "a replaced function of the library", "import json; json.dumps = None",
            "__import__('json').dumps is None or None"
        ),
        ("a class attribute", "Thing.trace = 1", "getattr(Thing, 'trace', None)"),
        ("a default argument", "remember(1)", "remember(0)[:-1] or None"),
        ("a cached result", "cached(1)", "cached.cache_info().currsize or None"),
        ("an environment variable", "import os; os.environ['TRACE'] = '1'", "__import__('os').environ.get('TRACE')"),
        (
            "an environment variable of the process", "import os; os.putenv('TRACE', '1')",
            "__import__('ctypes').CDLL(None).getenv(b'TRACE') or None"
        ),
        (
            "the working directory", "import os; os.chdir('/usr')",
            "None if __import__('os').getcwd() == '/' else 'moved'"
        ),
        (
            "the umask", "import os; os.umask(0o1)",
            "(lambda os, old: (os.umask(old), None if old != 1 else old)[1])(__import__('os'), "
                + "__import__('os').umask(0))"
        ),
        (
            "a signal handler", "import signal; signal.signal(signal.SIGUSR1, print)",
            "None if __import__('signal').getsignal(10) == 0 else 'handler'"
        ),
        ("an ignored signal", "import ctypes; ctypes.CDLL(None).signal(10, 1)", "in_kernel(10)"),
        (
            "a signal ignored past the worker's own function", "import ctypes; ctypes.CDLL('libc.so.6').signal(10, 1)",
            "in_kernel(10)"
        ),
        (
            "a signal ignored by a system call",
            "import ctypes; ctypes.CDLL(None).syscall(13, 10, (ctypes.c_ulong * 4)(1), None, 8, 0)", "in_kernel(10)"
        ),
        ("an alarm", "import signal; signal.alarm(100)", "__import__('signal').getitimer(0)[0] or None"),
        (
            "an alarm past the worker's own function", "import ctypes; ctypes.CDLL('libc.so.6').alarm(100)",
            "__import__('signal').getitimer(0)[0] or None"
        ),
        (
            "the working directory, past the worker's own function",
            "import ctypes; ctypes.CDLL('libc.so.6').chdir(b'/usr')",
            "None if __import__('os').getcwd() == '/' else 'moved'"
        ),
        (
            "the working directory, when the way back should be replaced",
            "import os; os.fstat(38); exec('try: os.dup2(os.open(os.__file__, 0), 38)\\nexcept OSError: pass'); "
                + "os.chdir('/usr')",
            "None if __import__('os').getcwd() == '/' else 'moved'"
        ),
        ("an open file", "import os; os.dup2(os.open(os.__file__, 0), 77)", "os_has(77)"),
        ("the position in a file opened while loading", "shared.read(5)", "shared.tell() or None"),
        ("a module dependency's state", "import lib; lib.state = 1", "__import__('lib').state"),
        (
            "the recursion limit", "import sys; sys.setrecursionlimit(5000)",
            "None if __import__('sys').getrecursionlimit() == 1000 else 'limit'"
        ),
        ("a trace function", "import sys; sys.settrace(lambda *a: None)", "__import__('sys').gettrace()"),
        ("a replaced standard output", "import sys; sys.stdout = None", "None if __import__('sys').stdout else 'gone'"),
        ("an import hook", "import sys; sys.meta_path.clear()", "None if __import__('sys').meta_path else 'cleared'"),
        (
            "a log handler", "import logging; logging.basicConfig()",
            "__import__('logging').getLogger().handlers and 'handler' or None"
        ),
        ("an exit function", "import atexit; atexit.register(print, 'trace')", "None"),
        (
            "a write through ctypes", "import ctypes; ctypes.memset(id(marker) + 32, 66, 1)",
            "None if marker == b'AAAA' else marker.decode()"
        ),
    ])
    func `Python leaves nothing behind`(what: String, leave: String, look: String) async throws {
        let source = """
            import functools
            counter = 0
            marker = b"AAAA"
            shared = open(functools.__file__, "rb", buffering=0)
            class Thing: pass
            def in_kernel(signal): # its handler, which Python need not know
              import ctypes
              action = ctypes.create_string_buffer(152)
              ctypes.CDLL(None).sigaction(signal, None, action)
              return int.from_bytes(action[:8], "little") or None
            def remember(value, values=[]):
              values.append(value)
              return list(values)
            @functools.cache
            def cached(value): return value
            def os_has(descriptor):
              import os
              try: os.fstat(descriptor); return "open"
              except OSError: return None
            def handler(event):
              found = \(look)
              leave()
              return found
            def leave():
              \(leave)
            """
        try await runAgain(.python(source, dependencies: ["lib": "state = None"])) { #expect($0 == .null, "\(what)") }
    }

    /// A source of its own: what is looked at after every call because of this handler is what the cases above must do
    /// without.
    @Test func `A handler that its signal has ended is there again`() async throws {
        let source = """
            import ctypes, os
            once = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda signal: None)
            ctypes.CDLL(None).sysv_signal(12, once)
            def handler(event):
              action = ctypes.create_string_buffer(152)
              ctypes.CDLL(None).sigaction(12, None, action)
              os.kill(os.getpid(), 12)
              return int.from_bytes(action[:8], "little") != 0
            """
        try await runAgain(.python(source)) { #expect($0 == .bool(true)) }
    }

    @Test func `Random numbers differ from one invocation to the next, in both languages`() async throws {
        let python = """
            import random, uuid, secrets, os
            def handler(event): return [random.random(), str(uuid.uuid4()), secrets.token_hex(), os.urandom(8).hex(), random.SystemRandom().random()]
            """
        let requests: [InvocationRequest] = [
            .js("exports.handler = () => [Math.random(), Math.random()]"), .python(python),
        ]
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for (request, isolation) in requests.flatMap({ request in Isolation.allCases.map { (request, $0) } }) {
                var request = request
                request.isolation = isolation
                var seen: Set<JSONValue> = []
                var count = 0
                for _ in 0..<50 {
                    guard case .array(let numbers) = try await runtime.value(request) else { continue }
                    count += numbers.count
                    seen.formUnion(numbers)
                }
                #expect(count >= 100 && seen.count == count)
            }
        }
    }

    @Test func `Two functions do not draw the same random numbers`() async throws {
        try await withRuntime { runtime in
            var seen: Set<String> = []
            for number in 0..<5 {
                seen.insert(try await runtime.text(.js("exports.handler = () => Math.random() // \(number)")))
                seen.insert(
                    try await runtime.text(.python("import random\ndef handler(e): return random.random() # \(number)"))
                )
            }
            #expect(seen.count == 10)
        }
    }

    @Test func `At the instance level globals stay from call to call, in both languages`() async throws {
        for request in [
            InvocationRequest.js(
                "let n = 0; setTimeout(() => {}, 0); exports.handler = async () => { setTimeout(() => { n += 100 }, "
                    + "0); await null; return ++n }"
            ),
            .python("n = 0\ndef handler(event):\n  global n\n  n += 1\n  return n"),
        ] {
            var request = request
            request.isolation = .instance
            try await withRuntime {
                $0.maximumWorkersPerFunction = 1
            } _: { runtime in
                for call in 1...10 { try await #expect(runtime.value(request) == .integer(Int64(call))) }
            }
        }
    }

    @Test func `What takes long to load is loaded once for a worker, not once for a call`() async throws {
        let sources: [InvocationRequest] = [
            .js("const end = Date.now() + 400; while (Date.now() < end); exports.handler = () => 1"),
            .python("import time\ntime.sleep(0.4)\ndef handler(event): return 1"),
        ]
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for source in sources {
                // The first calls include the load, and for JavaScript some more before the snapshot.
                for _ in 0..<4 { _ = try await runtime.value(source) }
                let start = ContinuousClock.now
                for _ in 0..<50 { _ = try await runtime.value(source) }
                #expect(ContinuousClock.now - start < .seconds(15), "50 loads would take 20 seconds")
            }
        }
    }

    /// With the sandbox a handler can make no process in the first place: the test of that is among the attacks.
    @Test func `A process that a handler leaves behind is ended before the next invocation`() async throws {
        let source = """
            import os, time
            def handler(event):
              reader, writer = os.pipe()
              if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                  os.write(writer, str(os.getpid()).encode())
                  time.sleep(600)
                os._exit(0)
              return int(os.read(reader, 20))
            """
        try await withRuntime {
            ($0.maximumWorkersPerFunction, $0.sandbox) = (1, .off)
        } _: { runtime in
            var earlier: [Int64] = []
            for _ in 0..<3 {
                let left = try #require(try await runtime.value(.python(source)).integerValue)
                for pid in earlier { #expect(!processIsAlive(pid)) }
                earlier.append(left)
            }
        }
    }
}
