import Foundation
import FunctionModel
import TestSupport
import Testing

@Suite struct CommandLineTests {
    @Test func `Without a subcommand both languages answer`() async throws {
        try await Workspace.with { workspace in
            let result = try await workspace.faas()
            #expect(result.exit == .code(0))
            #expect(result.output.contains("JavaScript handler result: {\"message\":\"Hello, World!\"}\n"))
            #expect(result.output.contains("Python handler result: \"Hello, PyUser!\"\n"))
            #expect(result.errorOutput == "")
            #expect(!workspace.directory.contains(".faas"), "the demo stores nothing")
        }
    }

    @Test(arguments: ["js", "python"])
    func `A function is made, uploaded, listed, invoked and deleted`(language: String) async throws {
        try await Workspace.with { workspace in
            let made = try await workspace.faas("init", "greet", "--language", language)
            #expect(made.exit == .code(0))
            let uploaded = try await workspace.faas("upload", "greet/function.jsonc")
            #expect(uploaded.output == "Uploaded function 'greet' -> .faas/functions/greet.json\n")
            let listed = try await workspace.faas("list")
            #expect(listed.output == "- greet [lang=\(language), fn=handler, esm=false]\n")
            let invoked = try await workspace.faas("invoke", "greet", "--event", #"{"name":"World"}"#)
            #expect(invoked.exit == .code(0))
            #expect(invoked.output == "{\"message\":\"Hello, World!\"}\n", "the result alone")
            #expect(invoked.errorOutput == "[info] greeting World\n", "the log alone")
            let deleted = try await workspace.faas("delete", "greet")
            #expect(deleted.output == "Deleted function 'greet'\n")
            let gone = try await workspace.faas("invoke", "greet")
            #expect(gone.exit == .code(1))
            #expect(gone.errorOutput == "Error: Function not found: greet\n")
            #expect(gone.output == "")
            try await #expect(workspace.faas("list").output == "No functions uploaded in '.faas'.\n")
        }
    }

    @Test func `The four kinds of function answer alike, dependencies included`() async throws {
        try await Workspace.with(TestFunction.greeters) { workspace in
            for id in ["hello", "hello-deps", "hello-py", "hello-py-deps"] {
                let result = try await workspace.faas("invoke", id, "--event", #"{"name":"World"}"#)
                #expect(result.output == "{\"message\":\"Hello, World!\"}\n", "\(id): \(result.errorOutput)")
            }
        }
    }

    @Test func `With --json every command writes what a machine can read`() async throws {
        try await Workspace.with { workspace in
            let made = try await workspace.faas("init", "greet", "--language", "js", "--json")
            try #expect(made.json["files"] == ["greet/function.jsonc", "greet/handler.js", "greet/README.md"])
            let uploaded = try await workspace.faas("upload", "greet/function.jsonc", "--json")
            try #expect(uploaded.json["id"] == "greet")
            try #expect(uploaded.json["languageId"] == "js")
            let listed = try await workspace.faas("list", "--json")
            try #expect(listed.json == .array([uploaded.json]))
            let invoked = try await workspace.faas("invoke", "greet", "--json")
            try #expect(invoked.json == ["message": "Hello, World!"])
            try await #expect(workspace.faas("delete", "greet", "--json").json == ["id": "greet"])
            for arguments in [["invoke", "greet", "--json"], ["delete", "greet", "--json"]] {
                let failed = try await workspace.faas(arguments[0], arguments[1], arguments[2])
                #expect(failed.exit == .code(1))
                try #expect(failed.json["errorType"] == "FunctionNotFound")
                try #expect(failed.json["error"] == "Function not found: greet")
            }
            let bad = try await workspace.faas("upload", "nothing.json", "--json")
            try #expect(bad.json["errorType"] == "InvalidManifest")
            try await #expect(workspace.faas("list", "--json").json == [])
        }
    }

    @Test func `An event comes from an option, a file or standard input`() async throws {
        try await Workspace.with(TestFunction.echo) { workspace in
            try workspace.directory.write(#"{"from":"file"}"#, to: "event.json")
            for id in ["echo", "echo-py"] {
                try await #expect(
                    workspace.faas("invoke", id, "--event", #"{"from":"option"}"#).output == "{\"from\":\"option\"}\n")
                try await #expect(
                    workspace.faas("invoke", id, "--event-file", "event.json").output == "{\"from\":\"file\"}\n")
                try await #expect(
                    workspace.faas("invoke", id, "-", input: #"{"from":"input 🐣"}"#).output
                        == "{\"from\":\"input 🐣\"}\n")
                try await #expect(
                    workspace.faas("invoke", id, input: "not read").output == "{}\n", "no event is an empty one")
            }
            let missing = try await workspace.faas("invoke", "echo", "--event-file", "nothing.json")
            #expect(missing.exit == .code(1))
            #expect(missing.errorOutput == "Error: The event file 'nothing.json' cannot be read.\n")
        }
    }

    @Test func `A large result arrives whole on standard output`() async throws {
        try await Workspace.with([.python("large", "def handler(e): return 'x' * 5_000_000")]) { workspace in
            let result = try await workspace.faas("invoke", "large")
            #expect(result.output.utf8.count == 5_000_003)
        }
    }

    @Test func `What a function writes goes to standard error, also when it fails`() async throws {
        let functions: [TestFunction] = [
            .js(
                "fails",
                "exports.handler = () => { console.log('one'); console.error('two'); throw new RangeError('three') }"),
            .python(
                "fails-py",
                "import sys\ndef handler(e):\n  print('one'); print('two', file=sys.stderr); raise KeyError('three')"),
        ]
        try await Workspace.with(functions) { workspace in
            let js = try await workspace.faas("invoke", "fails")
            #expect(js.exit == .code(1))
            #expect(js.output == "")
            #expect(
                js.errorOutput.hasPrefix("[info] one\n[error] two\nError: RangeError: three\n    at "),
                "\(js.errorOutput)")
            let python = try await workspace.faas("invoke", "fails-py")
            #expect(python.exit == .code(1))
            #expect(python.output == "")
            #expect(
                python.errorOutput.hasPrefix("[info] one\n[error] two\nError: KeyError: 'three'\n    File "),
                "\(python.errorOutput)")
        }
    }

    @Test(arguments: [
        ["bogus"], ["--bogus"], ["invoke"], ["invoke", "hello", "extra"], ["invoke", "hello", "--event", "{}", "-"],
        ["upload"],
        ["delete"],
        ["init", "hello"], ["init", "hello", "--language", "ruby"], ["serve", "--port", "70000"],
        ["serve", "--port", "x"],
        ["serve", "--workers", "0"], ["serve", "--workers-per-function", "-1"], ["serve", "--log-level", "loud"],
        ["list", "extra"],
    ])
    func `Wrong usage is exit code 64 with a hint, and nothing is written`(arguments: [String]) async throws {
        try await TemporaryDirectory.with { directory in
            let result = try await Program.run(
                Binaries.faas.path, arguments, in: directory.path, environment: Workspace.environment)
            #expect(result.exit == .code(64))
            #expect(result.output == "")
            #expect(result.errorOutput.hasPrefix("Error: "))
            #expect(result.errorOutput.contains("Usage: faas"))
            try #expect(FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
        }
    }

    @Test(arguments: [
        ["invoke", "../etc"], ["delete", "a/b"], ["delete", "nobody"], ["upload", "nothing.json"],
        ["init", "./-bad", "--language", "js"],
    ])
    func `A failure is exit code 1 and one line on standard error`(arguments: [String]) async throws {
        try await TemporaryDirectory.with { directory in
            let result = try await Program.run(
                Binaries.faas.path, arguments, in: directory.path, environment: Workspace.environment)
            #expect(result.exit == .code(1))
            #expect(result.output == "")
            #expect(result.errorOutput.hasPrefix("Error: "))
            #expect(result.errorOutput.split(separator: "\n").count == 1, "\(result.errorOutput)")
        }
    }

    @Test(arguments: ["upload", "list", "serve", "invoke", "dev", "delete", "init", ""])
    func `The help of a command has an example`(command: String) async throws {
        try await Workspace.with { workspace in
            let result =
                command.isEmpty ? try await workspace.faas("--help") : try await workspace.faas(command, "--help")
            #expect(result.exit == .code(0))
            let example = try #require(result.output.range(of: "EXAMPLE"))
            #expect(result.output[example.upperBound...].contains("faas \(command)"))
            #expect(result.output.contains("USAGE: faas"))
        }
    }

    @Test func `A name that exists already is not overwritten by init`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write("mine", to: "greet/README.md")
            let result = try await workspace.faas("init", "greet", "--language", "js")
            #expect(result.exit == .code(1))
            #expect(result.errorOutput == "Error: 'greet/README.md' exists already. Nothing was written.\n")
            try #expect(workspace.directory.read("greet/README.md") == "mine")
            #expect(!workspace.directory.contains("greet/function.jsonc"))
        }
    }

    @Test func `A broken stored file is named and does not hide the others`() async throws {
        try await Workspace.with([.hello]) { workspace in
            try workspace.directory.write("{\n  \"id\": \"bad\",\n  oops", to: ".faas/functions/bad.json")
            let listed = try await workspace.faas("list")
            #expect(listed.exit == .code(0))
            #expect(listed.output == "- hello [lang=js, fn=handler, esm=false]\n")
            #expect(listed.errorOutput.contains("'.faas/functions/bad.json'"))
            #expect(listed.errorOutput.contains("line 3, column 3"))
            let invoked = try await workspace.faas("invoke", "bad")
            #expect(invoked.exit == .code(1))
            #expect(invoked.errorOutput.contains("'.faas/functions/bad.json' cannot be used"))
            try await #expect(workspace.faas("delete", "bad").exit == .code(0))
            try await #expect(workspace.faas("list").errorOutput == "")
        }
    }

    @Test(arguments: [
        ("{\n  \"id\": \"x\",\n  \"languageId\": \"js\"\n  \"source\": \"\"\n}", "line 4, column 3"),
        ("{\n  // a comment\n  \"id\": \"../x\", \"languageId\": \"js\", \"source\": \"\"\n}", "line 3, column"),
        ("{ \"id\": \"x\", \"languageId\": \"ruby\", \"source\": \"\" }", "line 1, column"),
        ("{ \"id\": \"x\", \"languageId\": \"js\", \"sourcefile\": \"x.js\" }", "line 1, column"),
        ("{\n\"id\": \"x\", \"languageId\": \"js\",\n \"sourceFile\": \"nothing.js\" }", "line 3, column"),
    ])
    func `A wrong manifest is refused with its name, line and column`(text: String, place: String) async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(text, to: "wrong.jsonc")
            let result = try await workspace.faas("upload", "wrong.jsonc")
            #expect(result.exit == .code(1))
            #expect(result.errorOutput.hasPrefix("Error: wrong.jsonc: "))
            #expect(result.errorOutput.contains(place), "\(result.errorOutput)")
            #expect(!workspace.directory.contains(".faas"))
        }
    }

    @Test func `A misspelt field of a manifest is answered with the right name`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                #"{ "id": "x", "languageId": "js", "sourcefile": "x.js" }"#, to: "wrong.jsonc")
            try await #expect(workspace.faas("upload", "wrong.jsonc").errorOutput.contains("sourceFile"))
        }
    }

    @Test func `Functions live in the directory that --data-dir names`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                #"{"id":"one","languageId":"js","source":"exports.handler = () => 1"}"#, to: "one.json")
            try await #expect(workspace.faas("upload", "one.json", "--data-dir", "data/here").exit == .code(0))
            #expect(workspace.directory.contains("data/here/functions/one.json"))
            try await #expect(workspace.faas("invoke", "one", "--data-dir", "data/here").output == "1\n")
            let missing = try await workspace.faas("list")
            #expect(missing.output == "No functions uploaded in '.faas' (the directory does not exist).\n")
            #expect(missing.exit == .code(0))
            for command in [["list"], ["invoke", "one"], ["delete", "one"], ["prune"]] {
                let result = try await Program.run(
                    Binaries.faas.path, command + ["--data-dir", "data/hree"], in: workspace.directory.path,
                    environment: Workspace.environment)
                #expect(result.exit == .code(1))
                #expect(result.errorOutput == "Error: The data directory 'data/hree' does not exist.\n", "\(command)")
            }
        }
    }

    @Test func `A folder written by GraalFaaS is used as it is`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                """
                {"id":"old","languageId":"python","functionName":"greet","jsEvalAsModule":false,
                 "sourceCode":"import helper\\ndef greet(event):\\n    return helper.text(event['name'])\\n",
                 "dependencies":{"helper":"def text(name):\\n    return 'Hello, ' + name\\n"}}
                """, to: ".faas/functions/old.json")
            try await #expect(
                workspace.faas("invoke", "old", "--event", #"{"name":"Ada"}"#, "--timeout-millis", "60000").output
                    == "\"Hello, Ada\"\n")
        }
    }

    @Test(arguments: ["js", "python"])
    func `A call that takes too long ends with exit code 1`(language: String) async throws {
        try await Workspace.with([.endless(language, timeoutMillis: 300)]) { workspace in
            let result = try await workspace.faas("invoke", "endless", "--event", "true")
            #expect(result.exit == .code(1))
            #expect(result.errorOutput == "Error: Invocation timed out after 300ms\n")
            let shorter = try await workspace.faas("invoke", "endless", "--event", "true", "--timeout-millis", "200")
            #expect(shorter.errorOutput == "Error: Invocation timed out after 200ms\n")
        }
    }

    @Test(arguments: ["js", "python"], [SIGINT, SIGTERM, SIGKILL])
    func `A signal during an endless call ends everything`(language: String, signal: Int32) async throws {
        try await Workspace.with([.endless(language, timeoutMillis: 0)]) { workspace in
            try await workspace.withFaas(["invoke", "endless", "--event", "true"]) { program in
                var processes: [ProcessEntry] = []
                defer { for process in processes { process.kill() } }
                try await waitUntil("the handler runs") {
                    processes = ProcessTable.descendants(of: program.pid)
                    return processes.contains { $0.parent != program.pid && $0.processorTicks >= 10 }
                }
                program.send(signal)
                let exit = try await program.waitForEnd(within: .seconds(10))
                // To a shell both are the same.
                #expect(exit == .signal(signal) || exit == .code(128 + signal))
                try await waitUntilAllEnded(processes)
            }
        }
    }

    @Test func `Without the workers' executables the message says where they were looked for`() async throws {
        try await Workspace.with([.hello]) { workspace in
            var environment = Workspace.environment
            environment["FAAS_WORKER_DIR"] = "/nowhere"
            let result = try await Program.run(
                Binaries.faas.path, ["invoke", "hello"], in: workspace.directory.path, environment: environment)
            #expect(result.exit == .code(1))
            #expect(result.errorOutput.contains("'faas-worker-javascript' was not found. Looked in: /nowhere."))
        }
    }

    @Test func `A port that is taken is a clear error`() async throws {
        try await Server.with { server in
            let second = try await server.workspace.faas("serve", "--port", "\(server.port)")
            #expect(second.exit == .code(1))
            #expect(second.output == "")
            #expect(second.errorOutput.contains("in use"), "\(second.errorOutput)")
        }
    }

    @Test func `An error in JSON says where it is, and who named it`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write("function handler(event) {\n  return 1 +;\n}", to: "wrong.js")
            let load = try JSONValue(json: try await workspace.faas("invoke", "--file", "wrong.js", "--json").output)
            #expect(load["errorType"] == "LoadError" && load["errorOrigin"] == "host")
            #expect(load["line"] == 2, "\(load)")
            try workspace.directory.write(
                "class LoadError extends Error { get name() { return 'LoadError' } }\nexports.handler = () => { throw "
                    + "new LoadError('mine') }",
                to: "thrown.js")
            let thrown = try JSONValue(json: try await workspace.faas("invoke", "--file", "thrown.js", "--json").output)
            #expect(thrown["errorType"] == "LoadError" && thrown["errorOrigin"] == "function", "\(thrown)")
        }
    }

    @Test(arguments: [
        ("--max-timeout", "9223372036000"), ("--max-memory", "9223372036854775807"), ("--max-cpu", "0"),
        ("--max-temporary", "1025"), ("--max-concurrency", "-1"), ("--cpu-millis", "9223372036854775807"),
        ("--zygote-seconds", "9223372036854775807"), ("--host-memory-share", "2"),
    ])
    func `A ceiling that is out of range is refused with the range`(option: String, value: String) async throws {
        let result = try await Program.run(Binaries.faas.path, ["serve", "\(option)=\(value)"], in: "/tmp")
        #expect(result.exit == .code(64))
        #expect(result.errorOutput.contains("se a number from") || result.errorOutput.contains("at least"))
    }
}
