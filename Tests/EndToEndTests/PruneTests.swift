import Foundation
import FunctionModel
import TestSupport
import Testing

/// What `faas prune` removes, and what it leaves.
@Suite struct PruneTests {
    private func names(_ workspace: Workspace, _ folder: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: workspace.directory.path(".faas/\(folder)")))
    }

    /// Makes everything two hours older.
    private func age(_ workspace: Workspace) throws {
        for folder in ["layers", "builds"] {
            for name in try names(workspace, folder) {
                let path = workspace.directory.path(".faas/\(folder)/\(name)")
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: path)
            }
        }
    }

    private func uploadFolder(_ workspace: Workspace, _ id: String, _ text: String) async throws {
        try workspace.directory.write("def handler(event): return '\(text)'\n", to: "\(id)/src/handler.py")
        try workspace.directory.write(
            #"{"id": "\#(id)", "languageId": "python", "sourceDir": "src"}"#, to: "\(id)/function.json")
        let result = try await workspace.faas("upload", "\(id)/function.json")
        try #require(result.exit == .code(0), "\(result.errorOutput)")
    }

    @Test func `What no stored function uses is removed once it is an hour old, and what one uses stays`() async throws
    {
        try await Workspace.with { workspace in
            try await uploadFolder(workspace, "old", "first")
            let replaced = try names(workspace, "layers")
            // Otherwise it is an earlier version, which is used.
            try await #expect(workspace.faas("delete", "old").exit == .code(0))
            try await uploadFolder(workspace, "old", "second, longer")
            try await uploadFolder(workspace, "kept", "third")
            let used = try names(workspace, "layers").subtracting(replaced)
            try await workspace.upload(.js("module", "export const handler = () => 'replaced'"))
            let replacedBuild = try names(workspace, "builds")
            try await #expect(workspace.faas("delete", "module").exit == .code(0))
            try await workspace.upload(.js("module", "export const handler = () => 'kept'"))
            let usedBuild = try names(workspace, "builds").subtracting(replacedBuild)
            #expect((replaced.count, used.count, replacedBuild.count, usedBuild.count) == (1, 2, 1, 1))

            // All of it is young.
            try await #expect(workspace.faas("prune").output == "Nothing to remove.\n")
            // What was never finished, and is no layer.
            try FileManager.default.createDirectory(
                atPath: workspace.directory.path(".faas/layers/.unfinished.tmp"), withIntermediateDirectories: false)
            try age(workspace)
            let (layers, builds) = (try names(workspace, "layers"), try names(workspace, "builds"))
            let size = try #require(
                FileManager.default.attributesOfItem(
                    atPath: workspace.directory.path(".faas/builds/\(replacedBuild.first!)"))[.size] as? Int)
            let expected = """
                Would remove .faas/layers/.unfinished.tmp (0 bytes)
                Would remove .faas/layers/\(replaced.first!) (35 bytes)
                Would remove .faas/builds/\(replacedBuild.first!) (\(size) bytes)
                Would remove \(35 + size) bytes.

                """
            try await #expect(workspace.faas("prune", "--dry-run").output == expected)
            let json = try JSONValue(json: try await workspace.faas("prune", "--dry-run", "--json").output)
            #expect(json["bytes"] == .integer(Int64(35 + size)) && json["dryRun"] == true)
            #expect(try names(workspace, "layers") == layers && names(workspace, "builds") == builds)

            try await #expect(workspace.faas("prune").output == expected.replacing("Would remove", with: "Removed"))
            #expect(try names(workspace, "layers") == used && names(workspace, "builds") == usedBuild)
            try await #expect(workspace.faas("invoke", "old").output == "\"second, longer\"\n")
            try await #expect(workspace.faas("invoke", "kept").output == "\"third\"\n")
            try await #expect(workspace.faas("invoke", "module").output == "\"kept\"\n")

            // No function needs the build, until one is uploaded again that does: then it counts as new.
            try await #expect(workspace.faas("delete", "kept").exit == .code(0))
            try age(workspace)
            try await uploadFolder(workspace, "again", "third")
            try await #expect(workspace.faas("delete", "again").exit == .code(0))
            try await #expect(workspace.faas("prune").output == "Nothing to remove.\n")
        }
    }

    @Test func `What an earlier version uses stays`() async throws {
        try await Workspace.with { workspace in
            for text in ["first", "second"] { try await uploadFolder(workspace, "f", text) }
            for number in 1...2 {
                try await workspace.upload(.js("module", "export const handler = () => \(number)"))
            }
            try age(workspace)
            try await #expect(workspace.faas("prune").output == "Nothing to remove.\n")
            try await #expect(workspace.faas("invoke", "f@1").output == "\"first\"\n")
            try await #expect(workspace.faas("invoke", "module@1").output == "1\n")
        }
    }

    @Test func `A stored function that cannot be read keeps everything, and is named`() async throws {
        try await Workspace.with { workspace in
            try await uploadFolder(workspace, "gone", "x")
            try await #expect(workspace.faas("delete", "gone").exit == .code(0))
            try workspace.directory.write("{", to: ".faas/functions/broken.json")
            try FileManager.default.createDirectory(
                atPath: workspace.directory.path(".faas/builds"), withIntermediateDirectories: true)
            try age(workspace)
            let result = try await workspace.faas("prune")
            #expect(result.exit == .code(1))
            #expect(result.errorOutput.contains(".faas/functions/broken.json"), "\(result.errorOutput)")
            #expect(
                result.errorOutput.contains("nothing is removed: repair it or delete it first"), "\(result.errorOutput)"
            )
            #expect(try names(workspace, "layers").count == 1)
        }
    }

    @Test func `Where nothing was ever stored there is nothing to remove`() async throws {
        try await Workspace.with { workspace in
            try await #expect(workspace.faas("prune").output == "Nothing to remove.\n")
            #expect(!workspace.directory.contains(".faas"))
        }
    }
}
