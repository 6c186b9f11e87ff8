import FunctionExecution
import FunctionModel
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

/// Functions that ask for a folder for temporary files.
@Suite(.enabled(if: Namespaces.areAllowed, "Without namespaces there are no temporary files."))
struct TemporaryFileTests {
    private static func request(
        _ body: String, _ event: JSONValue = [:], top: String = "", isolation: Isolation = .invocation
    ) -> InvocationRequest {
        let lines = body.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        var request = InvocationRequest.python("import os, tempfile\n\(top)\ndef handler(e):\n\(lines)\n", event)
        request.limits.temporaryMB = 4
        request.isolation = isolation
        return request
    }

    /// Calls before and after the snapshot.
    private static let rounds = 1...5

    @Test(arguments: Isolation.allCases)
    func `Temporary files and folders, and a database in one, work at every level`(isolation: Isolation) async throws {
        let request = Self.request(
            """
            with tempfile.NamedTemporaryFile('w+') as file:
                file.write('é' * 1000); file.flush()
                assert open(file.name).read() == 'é' * 1000
            with tempfile.TemporaryFile() as file: file.write(b'x'); file.seek(0); assert file.read() == b'x'
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, 'data.db')
                database = sqlite3.connect(path)
                database.execute('create table t (a)'); database.executemany('insert into t values (?)', [(n,) for n in range(1000)])
                database.commit(); database.execute('vacuum'); database.close()
                total = sqlite3.connect(path).execute('select sum(a) from t').fetchone()[0]
                shutil.copy2(path, folder + '/copy'); os.replace(folder + '/copy', folder + '/other')
                os.makedirs(folder + '/a/b'); os.rename(folder + '/other', folder + '/a/b/other')
                with zipfile.ZipFile(folder + '/all.zip', 'w') as archive: archive.write(path, 'data.db')
                zipfile.ZipFile(folder + '/all.zip').extractall(folder + '/out')
                shutil.copytree(folder + '/a', folder + '/c')
                with open(path, 'r+b') as file, mmap.mmap(file.fileno(), 0) as memory: memory[0:1] = b'X'
                same = open(folder + '/out/data.db', 'rb').read()[1:] == open(path, 'rb').read()[1:]
            spooled = tempfile.SpooledTemporaryFile(max_size=10); spooled.write(b'y' * 100)
            return [total, same, tempfile.gettempdir(), os.listdir('/tmp')]
            """, top: "import sqlite3, shutil, zipfile, mmap", isolation: isolation)
        try await withRuntime { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(request) == #"[499500,true,"/tmp",[]]"#) }
        }
    }

    @Test(arguments: [Isolation.invocation, .process])
    func `Nothing of a call's files is there in the next`(isolation: Isolation) async throws {
        // What it answers is what it found, then it leaves as much as it can.
        let request = Self.request(
            """
            status = os.stat('/tmp')
            found = [os.listdir('/tmp'), oct(status.st_mode), status.st_mtime, status.st_atime, os.getcwd()]
            for name in ['plain', 'a b', '\\n', '*', '-rf', '\\udcff', 'é' * 120]:
                open('/tmp/' + name, 'w').write('x')
                os.mkdir(f'/tmp/{name}.d'); open(f'/tmp/{name}.d/inside', 'w').write('x')
            os.mkdir('/tmp/closed'); open('/tmp/closed/file', 'w').write('x'); os.mkdir('/tmp/closed/in'); os.mkdir('/tmp/closed/in/in')
            os.chmod('/tmp/closed/file', 0); os.chmod('/tmp/closed/in', 0); os.chmod('/tmp/closed', 0)
            os.mkdir('/tmp/readable'); open('/tmp/readable/file', 'w').write('x'); os.chmod('/tmp/readable', 0o500)
            os.chdir('/tmp')
            for _ in range(300): os.mkdir('deep'); os.chdir('deep'); open('file', 'w').write('x')
            left.append(os.open('/tmp/open', os.O_RDWR | os.O_CREAT)); os.write(left[-1], b'y' * (1 << 20))
            left.append(mmap.mmap(left[-1], 1 << 20)); left[-1][0:1] = b'z'
            os.utime('/tmp', (1234, 5678)); os.chmod('/tmp', 0o100 if e else 0)
            return found
            """, true, top: "import mmap\nleft = []", isolation: isolation)
        try await withRuntime { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(request) == #"[[],"0o40700",0.0,0.0,"/"]"#) }
            #expect(runtime.retiredWorkerCount == 0)
        }
    }

    @Test func `A tree of all the files that fit is gone in the next call`() async throws {
        let request = Self.request(
            """
            found = os.listdir('/tmp')
            try:
                n = 0
                while True:
                    os.makedirs(f'/tmp/{n % 7}/{n}/x/y', exist_ok=True); n += 1
            except OSError as error: return [found, error.errno]
            """)
        try await withRuntime { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(request) == "[[],28]") }
            #expect(runtime.retiredWorkerCount == 0)
        }
    }

    @Test func `What the source writes while it loads is not there in a call, but for the level instance`() async throws
    {
        let top = "open('/tmp/made', 'w').write('x')\nbefore = os.listdir('/tmp')"
        try await withRuntime { runtime in
            for (isolation, there) in [(Isolation.invocation, "[]"), (.process, "[]"), (.instance, #"["made"]"#)] {
                for _ in Self.rounds {
                    try await #expect(
                        runtime.text(
                            Self.request("return [before, os.listdir('/tmp')]", top: top, isolation: isolation))
                            == #"[["made"],\#(there)]"#)
                }
            }
        }
    }

    @Test func `At the level instance files stay`() async throws {
        let request = Self.request(
            "open('/tmp/n', 'a').write('x')\nreturn len(open('/tmp/n').read())", isolation: .instance)
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for number in Self.rounds { try await #expect(runtime.text(request) == "\(number)") }
        }
    }

    @Test(arguments: [Isolation.invocation, .process])
    func `A file that the source keeps open to write carries nothing from call to call`(isolation: Isolation)
        async throws
    {
        let request = Self.request(
            """
            for d in (file, folder):
                os.lseek(d, 0, 0)
            found = os.read(file, 100).decode(); os.pwrite(file, b'secret', 0)
            try: os.close(os.open('made', os.O_RDWR | os.O_CREAT, dir_fd=folder)); found += 'made'
            except OSError as error: found += error.strerror
            return found
            """,
            top: """
                file = os.open('/tmp/open', os.O_RDWR | os.O_CREAT); os.write(file, b'loaded')
                os.mkdir('/tmp/folder'); folder = os.open('/tmp/folder', os.O_RDONLY)
                """, isolation: isolation)
        try await withRuntime { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(request) == #""loadedNo such file or directory""#) }
        }
    }

    @Test(arguments: [Isolation.invocation, .process])
    func `Who goes on writing when the call has ended, or since the source was loaded, is ended first`(
        isolation: Isolation
    ) async throws {
        let request = Self.request(
            """
            found = os.listdir('/tmp')
            for _ in range(3): threading.Thread(target=write, daemon=True).start()
            time.sleep(0.02)
            return found
            """,
            top: """
                import threading, time
                def write():
                    while True:
                        try: open('/tmp/' + os.urandom(4).hex(), 'w').close()
                        except OSError: pass
                if os.fork() == 0:
                    if os.fork() == 0: write()
                    os._exit(0)
                """, isolation: isolation)
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(request) == "[]") }
        }
    }

    @Test(arguments: Isolation.allCases)
    func `A full folder is an error in that call only`(isolation: Isolation) async throws {
        let request = Self.request(
            """
            try:
                with open('/tmp/big', 'wb') as file:
                    for n in range(e): file.write(b'x' * (1 << 20)); file.flush()
            except OSError as error:
                os.unlink('/tmp/big')
                return error.errno
            os.unlink('/tmp/big')
            return n + 1
            """)
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for _ in Self.rounds {
                for (megabytes, answer) in [(4, "4"), (5, "28"), (1, "1")] {
                    var request = request
                    (request.isolation, request.event) = (isolation, Array("\(megabytes)".utf8))
                    try await #expect(runtime.text(request) == answer)
                }
            }
            #expect(runtime.retiredWorkerCount == 0)
        }
    }

    @Test func `Holes past the limit are an error, and memory of a file past it ends that call only`() async throws {
        let request = Self.request(
            """
            file = open('/tmp/f', 'w+b')
            if e == 'hole':
                try: os.ftruncate(file.fileno(), 1 << 50)
                except OSError as error: return error.errno
            os.ftruncate(file.fileno(), 8 << 20)
            memory = mmap.mmap(file.fileno(), 8 << 20)
            if e == 'memory':
                for n in range(0, 8 << 20, 4096): memory[n] = 1
            return 'fine'
            """, top: "import mmap")
        try await withRuntime { runtime in
            for _ in Self.rounds {
                for event in ["hole", "memory", "nothing"] {
                    var request = request
                    request.event = JSONValue.string(event).jsonBytes()
                    switch event {
                    case "hole": try await #expect(runtime.text(request) == "27")
                    case "memory": await #expect(throws: WorkerCrashed.self) { try await runtime.invoke(request) }
                    default: try await #expect(runtime.text(request) == #""fine""#)
                    }
                }
            }
        }
    }

    @Test
    func `Neither another worker of the function nor another function sees a call's files, nor has less room for it`()
        async throws
    {
        // Both calls are at work at once: each waits until the other has written, which it cannot see, so it waits for
        // its deadline.
        let source = """
            mine = '/tmp/' + e['name']
            with open(mine, 'wb') as file: file.write(b'x' * (3 << 20))
            end = time.monotonic() + 1.5
            while time.monotonic() < end and len(os.listdir('/tmp')) < 2: time.sleep(0.01)
            return os.listdir('/tmp')
            """
        try await withRuntime {
            $0.maximumWorkersPerFunction = 2
        } _: { runtime in
            try await withThrowingTaskGroup(of: (String, String).self) { group in
                for (name, top) in [
                    ("a", "import time"), ("b", "import time"), ("c", "import time\n# another function"),
                ] {
                    group.addTask {
                        (name, try await runtime.text(Self.request(source, ["name": .string(name)], top: top)))
                    }
                }
                for try await (name, answer) in group { #expect(answer == "[\"\(name)\"]") }
            }
        }
    }

    @Test func `A function without the field has no folder, and shares the zygote of its language`() async throws {
        let source =
            "import os, tempfile\ndef handler(e):\n  try: return tempfile.gettempdir()\n  except OSError as error: "
            + "return [os.path.exists('/tmp'), error.errno]"
        try await withRuntime { runtime in
            for _ in Self.rounds { try await #expect(runtime.text(.python(source)) == "[false,2]") }
        }
    }

    @Test(arguments: [["root"], ["namespaces", "root"], ["files", "signals"]])
    func `Where the private root or Landlock is missing, the function says so when it loads`(layers: [String])
        async throws
    {
        try await withRuntime {
            $0.sandboxWithout = layers
        } _: { runtime in
            let error = try await #require(throws: LoadError.self) {
                try await runtime.invoke(Self.request("return 1"))
            }
            let missing = layers.contains("root") ? "there is no private root" : "there is no Landlock"
            #expect(
                error.message.contains(
                    "The function asks for temporary files ('temporaryMB'), and this host has no place for them: "
                        + "\(missing)."
                ),
                "\(error.message)")
        }
    }

    /// As in a container whose data directory is `/tmp/data`: the function's own files would be hidden by its `/tmp`.
    @Test func `A function whose folders are below the machine's folder for temporary files has both`() async throws {
        try await TemporaryDirectory.with { directory in
            for (name, text) in [
                "source-layer/handler.py": """
                import os, tempfile, lib
                def handler(event):
                    here = os.path.dirname(__file__)
                    with open(os.path.join(here, "data.txt")) as file: text = file.read()
                    before = os.listdir("/tmp")
                    with open("/tmp/x", "w") as file: file.write("x")
                    try: open(os.path.join(here, "new"), "w")
                    except OSError: text += ", read-only"
                    return [text, lib.name, tempfile.gettempdir(), before]
                """, "source-layer/data.txt": "data", "packages-layer/lib.py": "name = 'lib'",
            ] { try directory.write(text, to: name) }
            // The folder must be one that a private root would hide.
            let root = directory.path("")
            try #require(root.hasPrefix("/tmp/"), "TMPDIR is below /tmp")
            try await withRuntime {
                $0.artifactPath = { name in directory.path(name) }
            } _: { runtime in
                for isolation in Isolation.allCases {
                    let definition = FunctionDefinition(
                        language: .python, sourceCode: "", sourceName: "handler.py",
                        folders: FunctionFolders(source: "source-layer", packages: "packages-layer"),
                        isolation: isolation, limits: FunctionLimits(temporaryMB: 4))
                    let function = Function(id: try FunctionID("f"), revision: "\(isolation)", definition: definition)
                    for number in Self.rounds {
                        let outcome = await runtime.run(
                            function, event: ByteBuffer(), requestID: "r", timeoutMillis: 0)
                        let left = isolation == .instance && number > 1 ? #"["x"]"# : "[]"
                        #expect(
                            try String(buffer: outcome.result.get()) == #"["data, read-only","lib","/tmp",\#(left)]"#)
                    }
                }
            }
        }
    }

    @Test func `Without the sandbox there is no folder either`() async throws {
        try await withRuntime {
            $0.sandbox = .off
        } _: { runtime in
            let error = try await #require(throws: LoadError.self) {
                try await runtime.invoke(Self.request("return 1"))
            }
            #expect(error.message.contains("no place for them: the sandbox is off."), "\(error.message)")
        }
    }
}
