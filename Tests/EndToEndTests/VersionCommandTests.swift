import Foundation
import FunctionModel
import TestSupport
import Testing

/// Versions and aliases on the command line.
@Suite struct VersionCommandTests {
    private func withVersions(_ body: (Workspace) async throws -> Void) async throws {
        try await Workspace.with { workspace in
            for number in 1...3 {
                try workspace.directory.write(
                    #"{"id": "f", "languageId": "js", "source": "exports.handler = () => \#(number)"}"#, to: "f.json")
                let deployed = try await workspace.faas("deploy", "f.json", "--json")
                try #expect(deployed.json["version"] == .integer(Int64(number)))
            }
            try await body(workspace)
        }
    }

    @Test func `Versions are listed, and a rollback makes an earlier one current`() async throws {
        try await withVersions { workspace in
            let listed = try await workspace.faas("versions", "f")
            let lines = listed.output.split(separator: "\n")
            #expect(lines.count == 3, "\(listed.output)\(listed.errorOutput)")
            #expect(
                lines.first?.wholeMatch(
                    of: /\* 3 \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, \d+ bytes, revision [0-9a-f]{16}, by [^,]+\]/) != nil,
                "\(listed.output)")
            #expect(lines.last?.hasPrefix("  1 [") == true)
            let rolled = try await workspace.faas("rollback", "f")
            #expect(rolled.output == "Version 2 of function 'f' is current now\n")
            try await #expect(workspace.faas("invoke", "f").output == "2\n")
            try await #expect(workspace.faas("invoke", "f@3").output == "3\n")
            try await #expect(workspace.faas("rollback", "f", "--to", "1", "--json").json["version"] == 1)
            let last = try await workspace.faas("rollback", "f")
            #expect(last.exit == .code(1))
            #expect(last.errorOutput == "Error: The function 'f' has no earlier version.\n")
            let unknown = try await workspace.faas("rollback", "f", "--to", "7")
            #expect(unknown.errorOutput == "Error: Function 'f' has no version 7.\n")
            try await #expect(workspace.faas("versions", "g").errorOutput == "Error: Function not found: g\n")
        }
    }

    @Test func `An alias is set, called, listed and deleted`() async throws {
        try await withVersions { workspace in
            let set = try await workspace.faas("alias", "set", "f", "live", "1")
            #expect(set.output == "f@live -> version 1\n")
            try await #expect(workspace.faas("invoke", "f@live").output == "1\n")
            let canary = try await workspace.faas(
                "alias", "set", "f", "live", "1", "--canary", "2", "--percent", "100")
            #expect(canary.output == "f@live -> version 1, 100 % of calls -> version 2\n")
            try await #expect(workspace.faas("invoke", "f@live").output == "2\n")
            try await #expect(workspace.faas("alias", "list", "f").output == canary.output)
            try await #expect(workspace.faas("alias", "set", "f", "live", "9").exit == .code(1))
            try await #expect(workspace.faas("alias", "set", "f", "live", "1", "--canary", "2").exit == .code(64))
            try await #expect(workspace.faas("alias", "delete", "f", "live").output == "Deleted f@live\n")
            try await #expect(workspace.faas("alias", "list", "f").output == "Function 'f' has no aliases.\n")
            try await #expect(
                workspace.faas("invoke", "f@live").errorOutput == "Error: Function 'f' has no alias 'live'.\n")
        }
    }

    @Test func `A long list shows version, date and size`() async throws {
        try await withVersions { workspace in
            let listed = try await workspace.faas("list", "--long")
            #expect(
                listed.output.wholeMatch(
                    of: /- f \[lang=js, fn=handler, esm=false\] version 3, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, \d+ bytes\n/
                )
                    != nil, "\(listed.output)")
        }
    }

    @Test func `A rollback on the command line is seen by the next call of a server`() async throws {
        try await withVersions { workspace in
            try await Server.with(in: workspace) { server in
                try await #expect(server.http.invoke("f").text == "3")
                for expected in ["2", "1"] {
                    _ = try await workspace.faas("rollback", "f")
                    try await #expect(server.http.invoke("f").text == expected)
                }
                for expected in ["1", "3"] {
                    _ = try await workspace.faas("alias", "set", "f", "live", expected)
                    try await #expect(server.http.invoke("f@live").text == expected)
                }
            }
        }
    }

    @Test func `A data directory of a later version is refused`() async throws {
        try await withVersions { workspace in
            let changed = try await Program.run(
                "python3",
                ["-c", "import sqlite3; sqlite3.connect('.faas/state.sqlite').execute('PRAGMA user_version = 99')"],
                in: workspace.directory.path)
            try #require(changed.exit == .code(0), "\(changed.errorOutput)")
            for command in [["list"], ["versions", "f"], ["rollback", "f"], ["deploy", "f.json"], ["delete", "f"]] {
                let refused = try await Program.run(
                    Binaries.faas.path, command, in: workspace.directory.path, environment: Workspace.environment)
                // A deployment of what is stored already needs the database too.
                #expect(refused.exit == .code(1), "\(command)")
                #expect(refused.errorOutput.contains("has format 99, and this program knows formats up to 1"))
            }
        }
    }
}
