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
            try directory.write(#"{"id": "shop", "languageId": "js", "sourceFile": "src/main.ts"}"#, to: "shop/function.json")
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
                "exports.list = ['a'];\nexports.fail = () => { throw new RangeError('in a package') };\ntry { exports.fs = require('fs') } catch {}",
                to: "shop/node_modules/words/index.js")
            try directory.write("exports.EventEmitter = class Emitter {};", to: "shop/node_modules/events/index.js")
            let uploaded = try await faas(directory, "upload", "shop/function.json")
            try #require(uploaded.exit == .code(0), "\(uploaded.errorOutput)")
            try FileManager.default.removeItem(atPath: directory.path("shop"))

            let answer = try await faas(directory, "invoke", "shop")
            #expect(answer.output == "[3,\"Emitter\",[\"a\"],\"undefined\"]\n", "\(answer.errorOutput)")
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
            try FileManager.default.createSymbolicLink(atPath: directory.path("project/link.mjs"), withDestinationPath: directory.path("secret.mjs"))
            for path in ["../secret.mjs", "./link.mjs", directory.path("secret.mjs"), "/etc/passwd"] {
                try directory.write("import { secret } from '\(path)';\nimport './x.mjs';\nexport const handler = () => secret", to: "project/f.mjs")
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
}
