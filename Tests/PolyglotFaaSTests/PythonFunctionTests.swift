import FunctionModel
import PolyglotFaaS
import Testing

@Suite struct PythonFunctionTests {
    @Test(arguments: [
        "def handler(event): return f\"Hello, {event['name']}!\"",
        "def handler(event, context): return f\"Hello, {event['name']}!\"",
        "def handler(event, context=None, *, extra=1): return f\"Hello, {event['name']}!\"",
        "handler = lambda *arguments: f\"Hello, {arguments[0]['name']}!\"",
        "async def handler(event):\n  import asyncio\n  await asyncio.sleep(0.01)\n  return f\"Hello, "
            + "{event['name']}!\"",
        "class Greeter:\n  def __call__(self, event): return f\"Hello, {event['name']}!\"\nhandler = Greeter()",
    ])
    func `The handler gets the event, and the context if it takes one`(source: String) async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(.python(source, ["name": "World"])) == "Hello, World!")
        }
    }

    @Test func `A handler without parameters is called without any`() async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(.python("def handler(): return 1")) == 1)
        }
    }

    @Test(arguments: ["x = 1", "handler = 5"])
    func `A source without the handler says so`(source: String) async throws {
        try await withRuntime { runtime in
            await #expect(throws: HandlerNotFound(functionName: "handler", languageID: "python")) {
                try await runtime.invoke(.python(source))
            }
        }
    }

    @Test func `A source with other functions than the handler says which`() async throws {
        try await withRuntime { runtime in
            let source = "from json import loads\ndef lambda_handler(e): return 1\ndef _own(): pass\nclass C: pass"
            await #expect(
                throws: HandlerNotFound(functionName: "handler", languageID: "python", found: "lambda_handler")
            ) {
                try await runtime.invoke(.python(source))
            }
        }
    }

    @Test(arguments: ["exit(1)", "quit()", "raise SystemExit"])
    func `exit and quit end the call with SystemExit`(body: String) async throws {
        try await withRuntime { runtime in
            let error = await #expect(throws: HandlerError.self) {
                try await runtime.invoke(.python("def handler(event): \(body)"))
            }
            #expect(error?.errorType == "SystemExit")
        }
    }

    @Test func `Dependencies import each other in any order, as packages too, and shadow the standard library`()
        async throws
    {
        try await withRuntime { runtime in
            let dependencies = [
                "zeta": "import alpha\ndef greet(name): return alpha.punctuate('Hello, ' + name)",
                "alpha": "from pkg.text import mark\ndef punctuate(text): return text + mark",
                "pkg.text": "from . import marks\nfrom .deep.inner import nothing\nmark = marks.exclamation + nothing",
                "pkg.marks": "exclamation = '!'",
                "pkg.deep.inner": "nothing = ''",
                "colorsys": "mine = True",
                "json": "mine = True",
            ]
            let source = """
                import zeta, colorsys, json, importlib.resources
                def handler(event):
                  import pkg.text
                  return [zeta.greet(event["name"]), colorsys.mine, json.mine, pkg.text.__file__, pkg.__file__, __name__ == "__main__"]
                """
            let value = try await runtime.value(.python(source, ["name": "World"], dependencies: dependencies))
            #expect(value == ["Hello, World!", true, true, "pkg/text.py", "pkg/__init__.py", false])
        }
    }

    @Test func `A module that is not there is an error with the source's line`() async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: LoadError.self) {
                try await runtime.invoke(.python("x = 1\nimport nope\n"))
            }
            #expect(
                error.message
                    == "The source does not load: ModuleNotFoundError: No module named 'nope' (packages are listed in "
                    + "'requirements' of the manifest; a function's own modules are its 'dependencies' or the files of its "
                    + "'sourceDir') at function.py:2")
            #expect(error.stackTrace == ["File \"function.py\", line 2, in <module>"])
        }
    }

    @Test func `A source that does not parse says where`() async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: LoadError.self) {
                try await runtime.invoke(.python("def handler(event):\n  return (1\n"))
            }
            #expect(error.line == 2)
            #expect(error.column == 10)
            #expect(error.message == "The source does not load: SyntaxError: '(' was never closed at function.py:2:10")
        }
    }

    @Test(arguments: [
        ("raise KeyError('k')", "KeyError", "'k'"),
        ("raise SystemExit(3)", "SystemExit", "The function called sys.exit(3)."),
        ("import sys; sys.exit()", "SystemExit", "The function called sys.exit()."),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("def f(): f()\n  f()", "RecursionError", "maximum recursion depth exceeded"),
        (
            "class E(Exception):\n    def __str__(self): raise ValueError\n  raise E", "E",
            "[a value that has no string form]"
        ),
        ("raise ValueError('\\ud800')", "ValueError", "?"),
    ])
    func `Whatever is raised becomes one clear error`(body: String, name: String, message: String) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.python("def handler(event):\n  \(body)"))
            }
            #expect(error.errorType == name)
            #expect(error.message.hasPrefix(message), "\(error.message)")
            #expect(error.stackTrace.last?.hasPrefix("File \"function.py\", line ") == true)
            #expect(!error.stackTrace.contains { $0.contains("<faas") })
        }
    }

    @Test func `The context says which call this is and how long it may still take`() async throws {
        try await withRuntime { runtime in
            let source =
                "def handler(event, context): return [context.aws_request_id, context.function_name, "
                + "context.get_remaining_time_in_millis()]"
            var request = InvocationRequest.python(source, timeoutMillis: 60_000)
            request.requestID = "call-1"
            let value = try await runtime.value(request)
            #expect(value[0] == "call-1")
            #expect(value[1] == "inline")
            let remaining = try #require(value[2]?.integerValue)
            #expect(remaining > 30_000 && remaining <= 60_000)
        }
    }

    @Test func `What print, stderr and logging write becomes log lines in order, with their level`() async throws {
        try await withRuntime { runtime in
            let source = """
                import sys, logging
                print("loaded")
                logging.getLogger().setLevel(logging.DEBUG)
                logging.getLogger("asyncio").setLevel(logging.WARNING)
                async def handler(event):
                  print("a", end=""); print("b"); print()
                  sys.stderr.write("err\\n")
                  sys.stdout.buffer.write("bytes é\\n".encode())
                  logging.warning("careful %s", 1)
                  handler = logging.StreamHandler(); handler.setFormatter(logging.Formatter("%(message)s"))
                  logger = logging.getLogger("mine"); logger.addHandler(handler); logger.propagate = False
                  logger.debug("dbg"); logger.info("inf"); logger.error("bad")
                  print("x\\ny")
                  print("\\ud800")
                  print("partial", end="")
                """
            let logs = try await runtime.invoke(.python(source)).logs
            #expect(
                logs.map { "\($0.level) \($0.text)" } == [
                    "info loaded", "info ab", "info ", "error err", "info bytes é", "warning WARNING:root:careful 1",
                    "debug dbg", "info inf",
                    "error bad", "info x", "info y", "info ?", "info partial",
                ])
        }
    }

    @Test func `Only a level that copies the worker for each call refuses threads of the source's, with the reason`()
        async throws
    {
        try await withRuntime { runtime in
            let source =
                "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\ndef "
                + "handler(e): return threading.active_count()"
            var request = InvocationRequest.python(source)
            for isolation in [Isolation.invocation, .instance] {
                request.isolation = isolation
                for _ in 0..<3 { #expect(try await runtime.value(request) == 2) }
            }
            request.isolation = .process
            let refused = request
            let error = try await #require(throws: LoadError.self) { try await runtime.invoke(refused) }
            #expect(error.message.contains("starts a thread while it loads"))
        }
    }

    @Test func `Threads in the handler work, and end with the invocation`() async throws {
        try await withRuntime { runtime in
            let source = """
                import threading, concurrent.futures, time
                def handler(event):
                  with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    answers = list(pool.map(lambda n: n * n, range(5)))
                  threading.Thread(target=time.sleep, args=(60,)).start()
                  return [answers, threading.active_count()]
                """
            try await #expect(runtime.value(.python(source)) == [[0, 1, 4, 9, 16], 2])
            try await #expect(runtime.value(.python(source)) == [[0, 1, 4, 9, 16], 2])
        }
    }
}
