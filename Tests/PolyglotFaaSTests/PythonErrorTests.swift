import FunctionModel
import PolyglotFaaS
import Testing

/// What a caller learns of a Python error: its name, its message, and the function's own lines.
@Suite struct PythonErrorTests {
    private func handlerError(
        _ source: String, dependencies: [String: String] = [:], _ runtime: FunctionRuntime
    ) async throws -> HandlerError {
        try await #require(throws: HandlerError.self) {
            try await runtime.invoke(.python(source, dependencies: dependencies))
        }
    }

    @Test func `The stack goes on with the causes of an error, and has the function's lines only`() async throws {
        try await withRuntime { runtime in
            let source = """
                import asyncio, lib
                def first(): raise KeyError("k")
                def second():
                  try: first()
                  except KeyError as error: raise ValueError("v") from error
                async def handler(event):
                  await asyncio.sleep(0)
                  try: second()
                  except ValueError:
                    lib.fail()
                """
            let error = try await handlerError(
                source, dependencies: ["lib": "def fail():\n  raise TypeError('t')"], runtime)
            #expect(error.errorType == "TypeError")
            #expect(error.message == "t")
            #expect(
                error.stackTrace == [
                    "File \"lib.py\", line 2, in fail", "File \"function.py\", line 10, in handler",
                    "raised while handling ValueError: v",
                    "File \"function.py\", line 5, in second", "File \"function.py\", line 8, in handler",
                    "caused by KeyError: 'k'",
                    "File \"function.py\", line 2, in first", "File \"function.py\", line 4, in second",
                ])
        }
    }

    @Test func `An error that hides its context, and one that causes itself, end`() async throws {
        try await withRuntime { runtime in
            let hidden =
                "def handler(event):\n  try: 1 / 0\n  except ZeroDivisionError: raise ValueError('v') from None"
            try await #expect(handlerError(hidden, runtime).stackTrace == ["File \"function.py\", line 3, in handler"])
            let loop =
                "def handler(event):\n  error = ValueError('v')\n  error.__cause__ = RuntimeError('r')\n  "
                + "error.__cause__.__cause__ = error\n  raise error"
            try await #expect(
                handlerError(loop, runtime).stackTrace == [
                    "File \"function.py\", line 5, in handler", "caused by RuntimeError: r",
                ])
            let long =
                "def handler(event, depth=0):\n  try: raise ValueError(depth)\n  except ValueError:\n    if depth < "
                + "100: handler(event, depth + 1)\n    raise"
            try await #expect(handlerError(long, runtime).stackTrace.count <= 200)
        }
    }

    @Test func `A group of errors names each`() async throws {
        try await withRuntime { runtime in
            let source = """
                import asyncio
                async def fail(error): raise error
                async def handler(event):
                  async with asyncio.TaskGroup() as group:
                    group.create_task(fail(ValueError("v")))
                    group.create_task(fail(KeyError("k")))
                """
            let error = try await handlerError(source, runtime)
            #expect(error.errorType == "ExceptionGroup")
            #expect(error.stackTrace.contains("from ValueError: v"))
            #expect(error.stackTrace.contains("together with KeyError: 'k'"))
            #expect(error.stackTrace.filter { $0 == "File \"function.py\", line 2, in fail" }.count == 2)
        }
    }

    @Test func `A missing temporary directory names what would give one`() async throws {
        try await withRuntime { runtime in
            let error = try await handlerError(
                "import tempfile\ndef handler(event): return tempfile.mkdtemp()", runtime)
            #expect(
                error.message.hasSuffix(
                    "(a function whose manifest has 'temporaryMB' has a folder for temporary files)"))
        }
    }

    @Test func `Notes of exceptions and of their causes are in the stack trace`() async throws {
        try await withRuntime { runtime in
            let source = """
                def handler(event):
                  try:
                    cause = KeyError("k")
                    cause.add_note("of the cause")
                    raise cause
                  except KeyError as cause:
                    error = ValueError("row 7")
                    error.add_note("look at\\ncolumn b")
                    raise error from cause
                """
            let error = try await handlerError(source, runtime)
            #expect(
                error.stackTrace == [
                    "File \"function.py\", line 9, in handler", "note: look at", "note: column b",
                    "caused by KeyError: 'k'", "File \"function.py\", line 5, in handler", "note: of the cause",
                ])
        }
    }

    @Test func `A dependency that does not parse is named with its own line`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest.python(
                "x = 1\nimport lib\ndef handler(event): pass", dependencies: ["lib": "y = 1\nz = (2\n"])
            let error = try await #require(throws: LoadError.self) { try await runtime.invoke(request) }
            #expect(
                error.message
                    == "The source does not load: SyntaxError: '(' was never closed (lib.py, line 2) at function.py:2")
            #expect(error.stackTrace == ["File \"function.py\", line 2, in <module>"])
        }
    }

    @Test(arguments: [
        ("raise SystemExit", "SystemExit: The function called sys.exit()."),
        ("import sys; sys.exit('why')", "SystemExit: The function called sys.exit('why')."),
        ("raise ValueError('v')", "ValueError: v"),
    ])
    func `A source that ends while it loads says how`(source: String, message: String) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: LoadError.self) { try await runtime.invoke(.python(source)) }
            #expect(error.message == "The source does not load: \(message) at function.py:1")
        }
    }

    @Test func `A handler that ends the process ends that invocation only`() async throws {
        try await withRuntime { runtime in
            let source = """
                import os, sys
                def handler(event):
                  if event == "exit": sys.exit(3)
                  if event == "_exit": os._exit(4)
                  return event
                """
            for _ in 0..<3 {
                let exit = try await #require(throws: HandlerError.self) {
                    try await runtime.invoke(.python(source, "exit"))
                }
                #expect(exit.message == "The function called sys.exit(3).")
                let end = try await #require(throws: WorkerCrashed.self) {
                    try await runtime.invoke(.python(source, "_exit"))
                }
                #expect(end.message.contains("exit code 4"), "\(end.message)")
                try await #expect(runtime.value(.python(source, "stay")) == "stay")
            }
        }
    }

    @Test(arguments: [
        "open('/x', 'w')", "import os; os.mkdir('/x')",
        "import socket; socket.socket()", "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true') and os.fork()",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/')",
        "import os; os.execv('/bin/true', ['true'])",
    ])
    func `What the sandbox forbids is an error with a sentence, at once`(statement: String) async throws {
        try await withRuntime { runtime in
            let source = """
                def handler(event):
                  try: \(statement)
                  except OSError as error: raise getattr(error, "reason", error) from None
                """
            // First in a fork, then in a process that is rewound.
            for _ in 0..<3 {
                let error = try await handlerError(source, runtime)
                #expect(error.errorType == "PermissionError", "\(error.message)")
                #expect(error.message.hasSuffix("use the network or start programs."), "\(error.message)")
            }
        }
    }

    @Test func `What the author's code called in libraries is one line of a stack`() async throws {
        try await withRuntime { runtime in
            let source = """
                import functools, json
                def read(text): return json.loads(text)
                def handler(event): return functools.reduce(lambda total, text: total + read(text), ["{x"], 0)
                """
            let frames = try await handlerError(source, runtime).stackTrace.map {
                $0.replacing(/line \d+, in raw_decode/, with: "line 0, in raw_decode")
            }
            #expect(
                frames == [
                    "File \"function.py\", line 2, in read",
                    "File \"/lib/python3.11/json/decoder.py\", line 0, in raw_decode (3 frames of libraries)",
                    "File \"function.py\", line 3, in <lambda>", "File \"function.py\", line 3, in handler",
                ], "\(frames)")
        }
    }
}
