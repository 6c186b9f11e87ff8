import Foundation
import TestSupport
import Testing

/// `faas invoke --file` and `faas dev`: functions that are not stored.
@Suite struct DevelopmentTests {
    @Test func `A source file is called without being stored`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                "def handler(event, context):\n  print('seen')\n  return [event, context.function_name]",
                to: "code/handler.py")
            try workspace.directory.write("exports.handler = event => event.n + 1", to: "handler.js")
            let python = try await workspace.faas("invoke", "--file", "code/handler.py", "--event", #"{"n":1}"#)
            #expect(python.exit == .code(0))
            #expect(python.output == "[{\"n\":1},\"file\"]\n")
            #expect(python.errorOutput == "[info] seen\n")
            let javaScript = try await workspace.faas("invoke", "--file", "handler.js", "-", input: #"{"n":1}"#)
            #expect(javaScript.output == "2\n", "\(javaScript.errorOutput)")
            #expect(!workspace.directory.contains(".faas"))
        }
    }

    @Test func `A file that cannot be called is a clear error`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write("puts 1", to: "handler.rb")
            try workspace.directory.write("def other(event): pass", to: "other.py")
            try workspace.directory.write("def handler(event:\n", to: "broken.py")
            for (file, message) in [
                (
                    "handler.rb",
                    "Error: The language of 'handler.rb' is not known: its name must end in '.js' or '.py'.\n"
                ),
                ("none.py", "Error: The source file 'none.py' cannot be read.\n"),
                (
                    "other.py",
                    "Error: Function 'handler' not found or not executable in language 'python'. The source has: "
                        + "other.\n"
                ),
            ] {
                let result = try await workspace.faas("invoke", "--file", file)
                #expect(result.exit == .code(1))
                #expect(result.errorOutput == message)
            }
            let broken = try await workspace.faas("invoke", "--file", "broken.py")
            #expect(broken.errorOutput.contains("at broken.py:1"), "\(broken.errorOutput)")
            try await #expect(workspace.faas("invoke", "hello", "--file", "other.py").exit == .code(64))
            try await #expect(workspace.faas("invoke").exit == .code(64))
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `A manifest is served, again after each change, with its log, until a signal`(signal: Int32) async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                #"{"id": "greet", "languageId": "python", "sourceFile": "handler.py"}"#, to: "function.json")
            func write(_ greeting: String) throws {
                try workspace.directory.write(
                    "import time\ndef handler(event):\n  print('greeting')\n  time.sleep(event.get('wait', 0))\n  "
                        + "return '\(greeting)'",
                    to: "handler.py")
            }
            try write("one")
            try await workspace.withFaas(["dev", "function.json", "--port", "0"]) { program in
                var port = 0
                try await waitUntil("it serves") {
                    if let exit = program.hasEnded { throw TestFailure("it ended, \(exit): \(program.errorOutput)") }
                    port =
                        program.output.firstMatch(of: /Serving 'greet' on http:\/\/127.0.0.1:(\d+)\/invoke\/greet\n/)
                        .flatMap { Int($0.1) } ?? 0
                    return port > 0
                }
                func answer(_ event: String = "{}") async throws -> String {
                    try await RawHTTP.exchange(
                        port: port, RawHTTP.request("POST", "/invoke/greet", body: Array(event.utf8))
                    ).text
                }
                try await #expect(answer() == "\"one\"")
                #expect(program.errorOutput.hasSuffix("[info] greeting\n"))

                try workspace.directory.write("{", to: "function.json")
                try await waitUntil("the error is shown") {
                    program.errorOutput.contains("Error: function.json: line 1, column 2")
                }
                try await #expect(answer() == "\"one\"", "what was good is still served")
                try workspace.directory.write(
                    #"{"id": "greet", "languageId": "python", "sourceFile": "handler.py"}"#, to: "function.json")
                try write("two")
                try await waitUntil("it is served anew") { try await answer() == "\"two\"" }

                // A line is shown while the call that wrote it goes on.
                let lines = program.errorOutput.count { $0 == "\n" }
                let slow = Task { try await answer(#"{"wait": 60}"#) }
                try await waitUntil("the line is shown") { program.errorOutput.count { $0 == "\n" } > lines }
                #expect(program.hasEnded == nil)
                let processes = ProcessTable.descendants(of: program.pid)
                #expect(!processes.isEmpty)
                program.send(signal)
                let exit = try await program.waitForEnd(within: .seconds(30))
                #expect(exit == .code(0), "\(program.errorOutput)")
                _ = try? await slow.value
                try await waitUntilAllEnded(processes)
            }
            #expect(!workspace.directory.contains(".faas"))
        }
    }

    @Test func `A deployment that fails is tried once, until something changes`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                #"{"id": "module", "languageId": "js", "sourceFile": "main.mjs"}"#, to: "function.json")
            try workspace.directory.write("export const handler = () => 1", to: "main.mjs")
            try await workspace.withFaas(["dev", "function.json", "--port", "0"]) { program in
                try await waitUntil("it serves") { program.output.contains("Serving 'module'") }
                try workspace.directory.write("export const handler = () => ;", to: "main.mjs")
                try await waitUntil("the error is shown") { program.errorOutput.contains("does not build") }
                try workspace.directory.write("export const handler = () => 2", to: "main.mjs")
                try await waitUntil("it is well again") { program.output.contains("Reloaded 'module'") }
                #expect(program.errorOutput.count(of: "does not build") == 1, "\(program.errorOutput)")
            }
        }
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}
