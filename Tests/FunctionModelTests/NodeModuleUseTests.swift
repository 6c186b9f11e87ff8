import FunctionModel
import Testing

@Suite struct NodeModuleUseTests {
    private func needsBuild(_ source: String, _ dependencies: [String: String] = [:]) throws -> Bool {
        let definition = FunctionDefinition(language: .javaScript, sourceCode: source, dependencies: dependencies)
        return Function(id: try FunctionID("f"), revision: "", definition: definition).needsBuild
    }

    @Test(arguments: [
        "require('crypto')", "require(\"node:util\")", "require(`path`)", "const {a}=require ( 'assert/strict' )",
        "x\n.y(require\n(\n'url'\n))",
        "module.require('events')", "Buffer.from('x')", "x = Buffer.alloc(1)", "(Buffer.concat)",
        "require('a'); require('buffer')", "[Buffer.isBuffer]",
    ])
    func `A script that asks for a module of Node's is built`(source: String) throws {
        #expect(try needsBuild(source))
        #expect(try needsBuild("", ["a": source]))
    }

    @Test(arguments: [
        "", "q", "B", "require", "require(", "require('", "require('crypto", "require('fs')", "require('crypto2')",
        "require(crypto)", "required('crypto')",
        "myrequire('crypto')", "$require('util')", "ArrayBuffer.isView(x)", "this.Buffer.from", "Buffer", "BufferX.",
        "equire('util')", "requir", "typeof Buffer",
        "require('" + String(repeating: "a", count: 100) + "')",
    ])
    func `Any other script is not`(source: String) throws {
        #expect(try !needsBuild(source))
    }

    @Test func `A dependency with the name comes first`() throws {
        #expect(try !needsBuild("require('util')", ["util": ""]))
        #expect(try needsBuild("require('node:util')", ["util": ""]))
        #expect(try !needsBuild("require('./util')", ["./util": "require('x')"]))
    }
}
