import Foundation
import FunctionModel
import TestSupport
import Testing

/// `faas upload` of JavaScript with modules and packages.
@Suite struct JavaScriptProjectTests {
    private func faas(_ directory: TemporaryDirectory, _ arguments: String...) async throws -> ProgramResult {
        try await Program.run(Binaries.faas.path, arguments, in: directory.path)
    }

    @Test func `A project's files and packages become one module that needs none of them`() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(
                #"{"id": "shop", "languageId": "js", "sourceFile": "src/main.ts"}"#, to: "shop/function.json")
            try directory.write(
                """
                import { price } from '../lib/price.js';
                import { EventEmitter } from 'node:events';
                import words from 'words';
                export function handler(event: { fails?: boolean }) {
                  if (event.fails) words.fail();
                  return [price, EventEmitter.name, words.list, typeof words.fs];
                }
                """, to: "shop/src/main.ts")
            try directory.write("export const price = 3;", to: "shop/lib/price.js")
            try directory.write(#"{"main": "index.js"}"#, to: "shop/node_modules/words/package.json")
            try directory.write(
                "exports.list = ['a'];\nexports.fail = () => { throw new RangeError('in a package') };\ntry { "
                    + "exports.fs = require('fs') } catch {}",
                to: "shop/node_modules/words/index.js")
            try directory.write("exports.EventEmitter = class Emitter {};", to: "shop/node_modules/events/index.js")
            let uploaded = try await faas(directory, "upload", "shop/function.json")
            try #require(uploaded.exit == .code(0), "\(uploaded.errorOutput)")
            try FileManager.default.removeItem(atPath: directory.path("shop"))

            let answer = try await faas(directory, "invoke", "shop")
            #expect(answer.output == "[3,\"Emitter\",[\"a\"],\"function\"]\n", "\(answer.errorOutput)")
            let failed = try await faas(directory, "invoke", "shop", "--event", #"{"fails": true}"#)
            #expect(failed.errorOutput.contains("RangeError: in a package"))
            #expect(failed.errorOutput.contains("node_modules/words/index.js:2:"), "\(failed.errorOutput)")
            #expect(failed.errorOutput.contains("at handler (src/main.ts:5:"), "\(failed.errorOutput)")
        }
    }

    @Test func `A script with relative requires is bundled too, and keeps its handler`() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(#"{"id": "f", "languageId": "js", "sourceFile": "f.js"}"#, to: "function.json")
            try directory.write("const { one } = require('./lib/one');\nfunction handler() { return one }", to: "f.js")
            try directory.write("exports.one = 1", to: "lib/one.js")
            let uploaded = try await faas(directory, "upload", "function.json")
            try #require(uploaded.exit == .code(0), "\(uploaded.errorOutput)")
            try await #expect(faas(directory, "invoke", "f").output == "1\n")
        }
    }

    @Test func `A project's build reads nothing outside its folder`() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(#"{"id": "f", "languageId": "js", "sourceFile": "f.mjs"}"#, to: "project/function.json")
            try directory.write("export const secret = 1", to: "secret.mjs")
            try FileManager.default.createSymbolicLink(
                atPath: directory.path("project/link.mjs"), withDestinationPath: directory.path("secret.mjs"))
            for path in ["../secret.mjs", "./link.mjs", directory.path("secret.mjs"), "/etc/passwd"] {
                try directory.write(
                    "import { secret } from '\(path)';\nimport './x.mjs';\nexport const handler = () => secret",
                    to: "project/f.mjs")
                let result = try await faas(directory, "upload", "project/function.json")
                #expect(result.exit == .code(1))
                #expect(result.errorOutput.contains("does not build"), "\(result.errorOutput)")
            }
            #expect(!directory.contains(".faas/functions/f.json"))
        }
    }

    @Test func `What is wrong with a module is said at upload`() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write(#"{"id": "f", "languageId": "js", "sourceFile": "f.ts"}"#, to: "function.json")
            try directory.write("export const handler = () => 1;\nlet x: = 2;", to: "f.ts")
            let result = try await faas(directory, "upload", "function.json")
            #expect(result.exit == .code(1))
            #expect(result.errorOutput.contains("at f.ts:2:8"), "\(result.errorOutput)")
        }
    }

    @Test
    func `A project's packages get Node's modules and the global Buffer, and the same project is the same revision`()
        async throws
    {
        try await TemporaryDirectory.with { directory in
            try directory.write(#"{"id": "f", "languageId": "js", "sourceFile": "f.js"}"#, to: "function.json")
            try directory.write(
                "const { sign } = require('signer');\nfunction handler(event) { return sign(event.text) }", to: "f.js")
            try directory.write(#"{"main": "index.js"}"#, to: "node_modules/signer/package.json")
            try directory.write(
                """
                const crypto = require('crypto'), util = require('node:util');
                exports.sign = text => {
                  if (text === undefined) util.promisify('x');
                  return crypto.createHmac('sha256', Buffer.from('a2V5', 'base64')).update(text).digest('hex');
                };
                """, to: "node_modules/signer/index.js")
            func upload() async throws -> JSONValue? {
                let result = try await faas(directory, "upload", "function.json", "--json")
                try #require(result.exit == .code(0), "\(result.errorOutput)")
                return try JSONValue(json: Array(result.output.utf8))["revision"]
            }
            let first = try await upload()
            try #require(first != nil)
            try await #expect(upload() == first)
            let answer = try await faas(
                directory, "invoke", "f", "--event", #"{"text": "The quick brown fox jumps over the lazy dog"}"#)
            #expect(
                answer.output == "\"f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8\"\n",
                "\(answer.errorOutput)")
            let failed = try await faas(directory, "invoke", "f")
            #expect(
                failed.errorOutput.contains("The \"original\" argument must be of type function"),
                "\(failed.errorOutput)")
            #expect(
                failed.errorOutput.contains("node_modules/signer/index.js:3:")
                    && !failed.errorOutput.contains("faas-build"), "\(failed.errorOutput)")
        }
    }

    @Test func `A project is served again when a file changes that it imports`() async throws {
        try await Workspace.with { workspace in
            let directory = workspace.directory
            try directory.write(#"{"id": "f", "languageId": "js", "sourceFile": "src/f.mjs"}"#, to: "function.json")
            try directory.write(
                "import { text } from '../lib/all.mjs';\nimport more from './more.json';\nexport const handler = () "
                    + "=> text + more.text;",
                to: "src/f.mjs")
            try directory.write("export * from './text.mjs';", to: "lib/all.mjs")
            try directory.write("export const text = 'one';", to: "lib/text.mjs")
            try directory.write(#"{"text": "!"}"#, to: "src/more.json")
            try await workspace.withFaas(["dev", "function.json", "--port", "0"]) { program in
                var port = 0
                try await waitUntil("it serves") {
                    if let exit = program.hasEnded { throw TestFailure("it ended, \(exit): \(program.errorOutput)") }
                    port =
                        program.output.firstMatch(of: /Serving 'f' on http:\/\/127.0.0.1:(\d+)\//).flatMap { Int($0.1) }
                        ?? 0
                    return port > 0
                }
                func answer() async throws -> String {
                    try await RawHTTP.exchange(port: port, RawHTTP.request("POST", "/invoke/f", body: Array("{}".utf8)))
                        .text
                }
                try await #expect(answer() == "\"one!\"")
                try directory.write("export const text = 'two';", to: "lib/text.mjs")
                try await waitUntil("an imported file is seen") { try await answer() == "\"two!\"" }
                try directory.write("export const text = ;", to: "lib/text.mjs")
                try await waitUntil("its error is shown") { program.errorOutput.contains("lib/text.mjs:1:21") }
                try await #expect(answer() == "\"two!\"", "what was good is still served")
                try directory.write("export const text = 'three';", to: "lib/new.mjs")
                try directory.write("export * from './new.mjs';", to: "lib/all.mjs")
                try directory.write(#"{"text": "?"}"#, to: "src/more.json")
                try await waitUntil("a new file is seen") { try await answer() == "\"three?\"" }
                program.send(SIGTERM)
                let exit = try await program.waitForEnd(within: .seconds(30))
                #expect(exit == .code(0))
            }
        }
    }
}
