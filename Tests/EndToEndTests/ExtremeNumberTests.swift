import Foundation
import TestSupport
import Testing

/// Numbers on the command line: a working start, or exit code 64 and a message that names the option.
@Suite(.serialized) struct ExtremeNumberTests {
    private static let numbers = [
        "\(Int.min)", "-1", "0", "1", "2147483648", "9007199254740992", "\(Int.max)", "9223372036854775808", "1e308",
        "nan",
    ]

    /// The options of a command that take a number, as its help lists them.
    private static func options(_ command: String) async throws -> [String] {
        let help = try await Program.run(
            Binaries.faas.path, [command, "--help"], environment: Workspace.environment
        ).output
        return Set(help.matches(of: /(--[a-z-]+) <(n|ms|s|MB|0\.\.\.1|port)>/).map { String($0.1) }).sorted()
    }

    private static func expectUsageError(_ exit: ProgramExit, _ errorOutput: String, _ option: String, _ number: String)
    {
        #expect(exit == .code(64), "\(option)=\(number): \(exit), \(errorOutput)")
        let first = errorOutput.split(separator: "\n").first ?? ""
        #expect(first.hasPrefix("Error: ") && first.contains(option), "\(errorOutput)")
        // A fraction is shown as it was read.
        #expect(first.contains(number) || first.contains("\(Double(number) ?? 0)"), "\(errorOutput)")
    }

    @Test func `Every number of the server's options starts it or is refused`() async throws {
        let options = try await Self.options("serve")
        #expect(options.count == 20, "\(options)")
        try await Workspace.with([.js("hello", "exports.handler = () => 1")]) { workspace in
            for option in options {
                for number in Self.numbers { try await Self.serve(workspace, option, number) }
            }
        }
    }

    private static func serve(_ workspace: Workspace, _ option: String, _ number: String) async throws {
        let port = option == "--port" ? [] : ["--port", "0"]
        try await workspace.withFaas(["serve"] + port + ["\(option)=\(number)"]) { program in
            try await waitUntil("\(option)=\(number) starts or ends") {
                program.hasEnded != nil || program.output.contains("HTTP server started")
            }
            if let exit = program.hasEnded {
                // Another program may listen on the port, or this user may not.
                if option == "--port", exit == .code(1) { return }
                return expectUsageError(exit, program.errorOutput, option, number)
            }
            program.send(SIGINT)
            let exit = try await program.waitForEnd(within: .seconds(30))
            #expect(exit == .code(0), "\(option)=\(number): \(program.errorOutput)")
        }
    }

    @Test func `Every number of a call's options calls or is refused`() async throws {
        let options = try await Self.options("invoke")
        #expect(options == ["--timeout-millis"])
        try await Workspace.with([.js("hello", "exports.handler = () => 1")]) { workspace in
            for number in Self.numbers {
                let result = try await workspace.faas("invoke", "hello", "--timeout-millis=\(number)")
                if result.exit == .code(0) {
                    #expect(result.output == "1\n" || result.output == "1")
                } else if result.exit == .code(1) {
                    // A millisecond is too short.
                    #expect(number == "1" && result.errorOutput.contains("timed out"), "\(result.errorOutput)")
                } else {
                    Self.expectUsageError(result.exit, result.errorOutput, "--timeout-millis", number)
                }
            }
        }
    }

    @Test func `Every length of a body is answered`() async throws {
        try await Server.with([.js("hello", "exports.handler = () => 1")]) { server in
            for number in Self.numbers + ["+1", "-0", "0x10", "1.5", "00000000000000000000001"] {
                let status = try await onThread {
                    let connection = try RawConnection(port: server.port)
                    let body = number == "0" ? "" : "1"
                    try connection.send(
                        Array(
                            "POST /invoke/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(number)\r\n\r\n\(body)"
                                .utf8)
                    )
                    return connection.hasAnswer(within: .seconds(5)) ? try connection.readAnswer().status : 0
                }
                // 0: the server waits for the rest of the body.
                #expect([200, 400, 413, 0].contains(status), "\(number): \(status)")
            }
            #expect(try await server.http.invoke("hello").status == 200)
        }
    }
}
