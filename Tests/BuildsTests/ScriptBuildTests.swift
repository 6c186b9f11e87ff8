import FunctionModel
import Testing

@testable import Builds
@testable import FunctionExecution

/// What esbuild is given, and what is made of its answer, without running it.
@Suite struct ScriptBuildTests {
    private func definition(
        _ dependencies: [String: String], name: String = "handler.ts", functionName: String = "handler"
    ) -> FunctionDefinition {
        FunctionDefinition(
            language: .javaScript, sourceCode: "export const handler = 1", functionName: functionName, sourceName: name,
            dependencies: dependencies)
    }

    @Test func `Every file stays in the folder, whatever the names are`() throws {
        let names = [
            "prices", "./lib/a.js", "../shared/b.mjs", "../../c", "@scope/pkg", "handler", "größe.js", "data.json",
        ]
        let layout = try ScriptLayout(definition(Dictionary(uniqueKeysWithValues: names.map { ($0, "") })))
        for file in layout.files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            #expect(parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }, "\(file.path)")
        }
        #expect(Set(layout.files.map(\.path)).count == layout.files.count)
        #expect(Set(layout.names.values) == Set(names + ["handler.ts"]))
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "..", "../..", "a/../b", "a/./b", "a//b", "a/", "x\u{0}", "a*", "a\nb", "a\\b", "\"",
        String(repeating: "a", count: 101),
    ])
    func `A name that is no harmless path is refused by name`(name: String) {
        let error = #expect(throws: LoadError.self) { try ScriptLayout(definition([name: ""])) }
        #expect(error?.message.hasPrefix("The dependency \(quoted(name)) cannot be used in a module") == true)
    }

    @Test(arguments: ["../../x.ts", "--outfile=y", "", "a/b/", "x\u{0}.ts", "..", "entry.js"])
    func `A source's name is never more than a file's name`(name: String) throws {
        let layout = try ScriptLayout(definition([:], name: name))
        let main = try #require(layout.files.first?.path)
        #expect(main.hasPrefix("src/") && !main.dropFirst(4).contains("/") && !main.contains(".."))
        #expect(layout.arguments.first == "entry.js")
    }

    @Test func `Only a name is put into the source`() throws {
        for name in ["class", "a.b", "x; process.exit()", "await", "", "1a"] {
            #expect(try ScriptLayout(definition([:], functionName: name)).files[0].text == "export const handler = 1")
        }
        #expect(
            try ScriptLayout(definition([:])).files[0].text.hasSuffix(
                "typeof handler === \"function\" ? handler : undefined);\n"))
    }

    @Test func `An error of esbuild's keeps its file, line and column`() throws {
        let layout = try ScriptLayout(definition(["../up.js": ""]))
        let output =
            "✘ [ERROR] Expected \";\" but found \"b\"\n\n    src/p/handler.ts:3:4:\n      3 │ a b\n        ╵     ^\n\n"
        #expect(
            BuildOutput.error(output, layout)
                == LoadError(
                    "The source does not build: Expected \";\" but found \"b\" at handler.ts:3:5", line: 3, column: 5))
        #expect(
            BuildOutput.error("✘ [ERROR] out of luck\n", layout) == LoadError("The source does not build: out of luck"))
        #expect(BuildOutput.error("", layout).message == "The source does not build: ")
    }

    @Test func `What is no script with a source map is an error`() throws {
        let layout = try ScriptLayout(definition([:]))
        for output in [
            "", "x", "x\n//# sourceMappingURL=data:application/json;base64,!!!",
            "x\n//# sourceMappingURL=data:application/json;base64,e30=",
        ] {
            #expect(throws: LoadError.self) { try BuildOutput.script(output, layout) }
        }
    }
}
