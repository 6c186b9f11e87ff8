import FunctionModel
import PolyglotFaaS
import Testing

/// Python handlers of every form, and what they write.
@Suite struct PythonHandlerTests {
    @Test(arguments: [
        "def handler(event):\n  yield 1\n  yield from [2, 3]",
        "async def handler(event):\n  yield 1\n  yield 2\n  yield 3",
        "async def handler(event):\n  def numbers():\n    yield from (1, 2, 3)\n  return numbers()",
        "async def numbers():\n  for n in (1, 2, 3): yield n\ndef handler(event): return numbers()",
        "import asyncio\nclass Later:\n  def __await__(self):\n    yield from asyncio.sleep(0).__await__()\n    "
            + "return [1, 2, 3]\ndef handler(event): return Later()",
        "def handler(event): return map(int, '123')",
    ])
    func `Generators of every kind become lists, and awaitables are awaited`(source: String) async throws {
        try await withRuntime { runtime in try await #expect(runtime.value(.python(source)) == [1, 2, 3]) }
    }

    @Test func `An error in a generator is the handler's error`() async throws {
        try await withRuntime { runtime in
            let source = "def handler(event):\n  yield 1\n  raise ValueError('late')"
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(.python(source)) }
            #expect(error.message == "late")
            #expect(error.stackTrace == ["File \"function.py\", line 3, in handler"])
        }
    }

    @Test func `The level that a function sets for logging is what counts, without a handler of its own`() async throws
    {
        try await withRuntime { runtime in
            let source = """
                import logging
                logger = logging.getLogger()
                logger.setLevel(logging.INFO)
                def handler(event):
                  logger.debug("no"); logger.info("yes %d", 1); logging.getLogger("a.b").error("two\\nlines")
                  try: 1 / 0
                  except ZeroDivisionError: logger.exception("caught")
                """
            for _ in 0..<3 {
                let logs = try await runtime.invoke(.python(source)).logs
                #expect(logs.prefix(2).map { "\($0.level) \($0.text)" } == ["info yes 1", "error two\nlines"])
                #expect(logs.last?.level == .error)
                #expect(
                    logs.last?.text.hasPrefix(
                        "caught\nTraceback (most recent call last):\n  File \"function.py\", line 6") == true)
            }
        }
    }

    @Test func `Warnings become log lines of their level, in order with the others`() async throws {
        try await withRuntime { runtime in
            let source = """
                import sys, warnings
                def handler(event):
                  print("one ", end=""); sys.stdout.write("line\\n")
                  warnings.warn("careful")
                  print("after")
                """
            let logs = try await runtime.invoke(.python(source)).logs
            #expect(
                logs.map { "\($0.level) \($0.text)" } == [
                    "info one line", "warning function.py:4: UserWarning: careful",
                    "warning   warnings.warn(\"careful\")", "info after",
                ])
        }
    }

    @Test(arguments: [
        ("json.loads(json.dumps({'a': [1, 2.5, None]}))", "{\"a\":[1,2.5,null]}"),
        ("re.sub(r'(\\w+) (\\w+)', r'\\2 \\1', 'a b')", "\"b a\""),
        ("datetime.datetime(2024, 2, 28) + datetime.timedelta(days=1)", "\"2024-02-29T00:00:00\""),
        ("datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin'))", "\"2024-07-01T00:00:00+02:00\""),
        ("decimal.Decimal(1) / decimal.Decimal(8)", "\"0.125\""),
        ("sqlite3.connect(':memory:').execute('select 1 + 1').fetchone()", "[2]"),
        (
            "(lambda results: [thread.start() or thread.join() for thread in [threading.Thread(target=results.append, "
                + "args=(1,))]] and results)([])",
            "[1]"
        ),
        ("asyncio.sleep(0, 'slept')", "\"slept\""),
        ("list(concurrent.futures.ThreadPoolExecutor(2).map(abs, [-1, -2]))", "[1,2]"),
        ("hashlib.sha256(b'').hexdigest()[:8]", "\"e3b0c442\""), ("random.Random(1).randint(1, 100)", "18"),
        ("uuid.uuid5(uuid.NAMESPACE_DNS, 'a').version", "5"),
        ("tempfile.SpooledTemporaryFile().write(b'abc')", "3"), ("subprocess.list2cmdline(['a b'])", "\"\\\"a b\\\"\""),
        ("collections.Counter('aab')", "{\"a\":2,\"b\":1}"), ("urllib.parse.quote('a b')", "\"a%20b\""),
        ("csv.reader(io.StringIO('a,b'))", "[[\"a\",\"b\"]]"),
        ("gzip.decompress(gzip.compress(b'x')).decode()", "\"x\""),
        ("xml.etree.ElementTree.fromstring('<a b=\"1\"/>').get('b')", "\"1\""),
    ])
    func `The standard library works in the sandbox, before and after the snapshot`(expression: String, json: String)
        async throws
    {
        let modules = [
            "json", "re", "datetime", "zoneinfo", "decimal", "sqlite3", "threading", "asyncio", "concurrent.futures",
            "hashlib", "random", "uuid",
            "tempfile", "subprocess", "collections", "urllib.parse", "csv", "io", "gzip", "xml.etree.ElementTree",
        ]
        // The one that it is about, loaded with the function; the others it may need.
        let needed = modules.filter { expression.contains("\($0).") }
        try await withRuntime { runtime in
            let source = "import \(needed.joined(separator: ", "))\ndef handler(event): return \(expression)"
            for _ in 0..<3 { try await #expect(runtime.text(.python(source)) == json) }
        }
    }

    @Test func `Generators of random numbers differ from call to call, also where each call is a fork`() async throws {
        try await withRuntime { runtime in
            let source = """
                import random, secrets, uuid, ssl, os, tempfile
                at_load = random.random()
                def handler(event):
                  return [
                    at_load, random.random(), random.SystemRandom().random(), secrets.token_hex(), str(uuid.uuid4()), str(uuid.uuid1()),
                    ssl.RAND_bytes(16).hex(), os.urandom(16).hex(), next(tempfile._get_candidate_names())]
                """
            for isolation in [Isolation.invocation, .process] {
                var request = InvocationRequest.python(source)
                request.isolation = isolation
                var values: [JSONValue] = []
                for _ in 0..<6 { values.append(try await runtime.value(request)) }
                // What is computed at load repeats as long as a worker lives.
                #expect(Set(values.map { $0[0] }).count < values.count)
                for index in 1..<9 { #expect(Set(values.map { $0[index] }).count == values.count, "number \(index)") }
            }
        }
    }
}
