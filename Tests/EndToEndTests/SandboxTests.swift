import Foundation
import FunctionModel
import TestSupport
import Testing

/// What the command line and the server say about the sandbox.
@Suite struct SandboxTests {
    private static let layers: Set = [
        "privileges", "namespaces", "root", "files", "network", "signals", "limits", "systemCalls",
    ]

    @Test func `The doctor names every layer, and its exit code agrees with --sandbox required`() async throws {
        try await Workspace.with([.js("hello", "exports.handler = () => 'hello'")]) { workspace in
            let doctor = try await workspace.faas("doctor", "--json")
            let languages = try #require(try doctor.json["languages"]?.items)
            #expect(languages.count == 2)
            for language in languages {
                let found = try #require(language["layers"]?.items)
                #expect(Set(found.compactMap { $0["name"]?.stringValue }) == Self.layers)
                for layer in found {
                    #expect(["active", "degraded", "missing"].contains(layer["state"]?.stringValue ?? ""))
                }
            }
            let isReady = try doctor.json["ready"] == true
            #expect(doctor.exit == .code(isReady ? 0 : 1))
            let required = try await workspace.faas("invoke", "hello", "--sandbox", "required")
            #expect(required.exit == doctor.exit, "\(required.errorOutput)")
            #expect(
                isReady ? required.output == "\"hello\"\n" : required.errorOutput.contains("The sandbox is required"))
            let text = try await workspace.faas("doctor").output
            #expect(text.contains("JavaScriptCore"))
            // Whether there are any depends on the machine, and nothing depends on them.
            let groups = try #require(try doctor.json["controlGroups"])
            let state = try #require(groups["state"]?.stringValue)
            let detail = try #require(groups["detail"]?.stringValue)
            #expect(
                ["active", "missing"].contains(state) && text.contains("cgroup v2    \(state)") && text.contains(detail)
            )
            // What builds need is here, because the tests need it.
            let builds = try doctor.json["builds"]
            #expect(builds?["esbuild"]?["path"]?.stringValue?.hasSuffix("/esbuild") == true)
            let version = try #require(builds?["esbuild"]?["version"]?.stringValue)
            #expect(version.wholeMatch(of: /[0-9.]+/) != nil && text.contains("esbuild                \(version)"))
            #expect(
                builds?["nodePackages"]?.items?.map { $0["module"] } == ["buffer", "events", "path", "string_decoder"])
            #expect(builds?["nodePackages"]?.items?.allSatisfy { $0["version"]?.stringValue != nil } == true)
            let without = try await Program.run(
                Binaries.faas.path, ["doctor"], in: workspace.directory.path,
                environment: ["FAAS_ESBUILD": "/nowhere/esbuild"])
            #expect(without.output.contains("Install it ('apt install esbuild')"), "\(without.output)")
        }
    }

    @Test func `Health in full says what confines functions, and --sandbox off says so loudly`() async throws {
        try await Server.with { server in
            let answer = try await server.http.get("/health?verbose")
            #expect(answer.status == 200)
            let health = try JSONValue(json: Array(answer.body))
            #expect(health["sandbox"] == "best-effort")
            #expect(health["retiredWorkers"] == 0)
            #expect(["active", "missing"].contains(health["controlGroups"]?["state"]?.stringValue ?? ""))
            let layers = try #require(health["languages"]?.items?.first?["layers"]?.items)
            #expect(Set(layers.compactMap { $0["name"]?.stringValue }) == Self.layers)
            #expect(!server.program.errorOutput.contains("SANDBOX IS OFF"))
        }
        try await Server.with(arguments: ["--sandbox", "off"]) { server in
            let health = try JSONValue(json: Array(try await server.http.get("/health?verbose").body))
            #expect(health["sandbox"] == "off")
            #expect(health["controlGroups"]?["detail"] == "the sandbox is off")
            #expect(server.program.errorOutput.contains("THE SANDBOX IS OFF"))
        }
    }

    @Test func `Limits in a manifest reach the worker`() async throws {
        try await Workspace.with { workspace in
            try workspace.directory.write(
                #"{ "id": "small", "languageId": "python", "memoryMB": 32, "maxResultBytes": 100, "maxEventBytes": 50, "maxLogBytes": 10, "source": "def handler(e):\n  print('x' * 100)\n  return 'x' * e" }"#,
                to: "function.json")
            try await #expect(workspace.faas("upload", "function.json").exit == .code(0))
            try await #expect(workspace.faas("invoke", "small", "--event", "3").output == "\"xxx\"\n")
            for (event, message) in [
                ("200", "Error: The result is 202 bytes of JSON; the limit is 100 bytes."),
                ("100000000", "Error: Memory limit of 32 MB exceeded"),
                ("\"\(String(repeating: "y", count: 60))\"", "Error: The event is larger than the limit of 50 bytes."),
            ] {
                let result = try await workspace.faas("invoke", "small", "--event", event)
                #expect(result.exit == .code(1))
                #expect(result.errorOutput.contains(message), "\(result.errorOutput)")
            }
            try workspace.directory.write(
                #"{ "id": "bad", "languageId": "js", "memoryMB": 0, "source": "" }"#, to: "bad.json")
            try await #expect(
                workspace.faas("upload", "bad.json").errorOutput.contains("must be from 1 to 1048576, not 0"))
        }
    }
}

extension JSONValue {
    fileprivate var items: [JSONValue]? {
        if case .array(let items) = self { return items }
        return nil
    }
}
