import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// Node's modules that need no I/O, in scripts and in modules.
@Suite struct NodeModuleTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "NodeModuleTests")
    private static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".js") }.sorted())
        ?? []

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    @Test(arguments: names)
    func `A script gets the answers that Node gives`(name: String) async throws {
        let answers = try JSONValue(json: Array(Self.text("answers.json").utf8))
        try await withRuntime { runtime in
            // More than once: the first calls are made before the snapshot.
            for _ in 0..<4 {
                let answer = try await runtime.value(.js(Self.text(name)))
                #expect(answer == answers[name], "\(answer.jsonText())")
            }
        }
    }

    @Test func `There are functions to ask`() {
        #expect(Self.names.count == 14)
    }

    @Test func `A module imports them by both of their names, with and without a default`() async throws {
        let source = """
            import crypto, { createHash } from 'node:crypto';
            import { EventEmitter } from 'events';
            import * as util from 'util';
            import assert from 'node:assert/strict';
            import { isDate } from 'util/types';
            import process, { env } from 'node:process';
            import { join } from 'node:path/posix';
            export function handler() {
              assert.equal(crypto.createHash, createHash);
              return [createHash('sha1').update('x').digest('hex'), new EventEmitter().on('a', () => {}).emit('a'), util.format('%s', 1), isDate(new Date), env === process.env,
                process.cwd(), join('a', 'b'), Buffer.from('x') instanceof Uint8Array];
            }
            """
        try await withRuntime { runtime in
            try await #expect(
                runtime.value(.js(source)) == [
                    "11f6ad8ec52a2984abaafd7c3b516503785c2072", true, "1", true, true, "/", "a/b", true,
                ])
        }
    }

    @Test func `What needs no files, network or processes is there`() async throws {
        let source = """
            import os from "node:os";
            import { setTimeout as sleep, setInterval as every } from "node:timers/promises";
            import { performance } from "node:perf_hooks";
            import { isatty } from "tty";
            import { log } from "node:console";
            import timers from "timers";
            export const handler = async () => {
              const value = await sleep(2, "value");
              const controller = new AbortController();
              const refused = sleep(10_000, 1, { signal: controller.signal }).catch(error => [error.name, error.code]);
              controller.abort();
              const ticks = [];
              for await (const tick of every(1, "tick")) if (ticks.push(tick) === 2) break;
              return [os.EOL, os.platform(), performance.now() > 0, value, await refused, ticks, isatty(1), typeof log,
                typeof timers.promises.scheduler.wait];
            };
            """
        try await withRuntime { runtime in
            try await #expect(
                runtime.value(.js(source)) == [
                    "\n", "linux", true, "value", ["AbortError", "ABORT_ERR"], ["tick", "tick"], false, "function",
                    "function",
                ])
        }
    }

    @Test func `A script that is built for them is a script as before`() async throws {
        let sloppy = """
            const { format } = require('util');
            undeclared = 1;
            this.seen = typeof this;
            var answer = format('%d', 010);
            exports.handler = function () { return [undeclared, answer, (function () { return this === globalThis })(), typeof exports.seen] };
            """
        try await withRuntime { runtime in
            try await #expect(runtime.value(.js(sloppy)) == [1, "8", true, "string"])
            for source in [
                "const util = require('util'); function handler() { return util.format('x') }",
                "require('util'); const handler = () => 'x'",
                "require('util'); globalThis.handler = () => 'x'", "require('util'); module.exports = () => 'x'",
                "require('util'); module.exports = { handler: async () => 'x' }",
                "#!/usr/bin/env node\nrequire(\n 'util' ); var handler = () => 'x'",
            ] {
                try await #expect(runtime.value(.js(source)) == "x", "\(source)")
            }
            let error = await #expect(throws: HandlerError.self) {
                try await runtime.invoke(
                    .js("const util = require('util');\nfunction handler() {\n  util.promisify(1);\n}"))
            }
            #expect(error?.errorType == "TypeError")
            #expect(error?.stackTrace == ["at handler (function.js:3:8)"])
            let broken = await #expect(throws: LoadError.self) {
                try await runtime.invoke(.js("require('util');\nfunction handler() { let = }"))
            }
            #expect(broken?.line == 2)
        }
    }

    @Test func `A dependency comes before a module of Node's with its name`() async throws {
        let dependencies = [
            "events": "exports.own = 'mine'",
            "lib": "exports.join = require('path').join; exports.own = require('events').own",
        ]
        try await withRuntime { runtime in
            let script =
                "const { own } = require('events'); function handler() { return [own, require('lib').join('a', 'b'), "
                + "require('lib').own] }"
            try await #expect(runtime.value(.js(script, dependencies: dependencies)) == ["mine", "a/b", "mine"])
            let module =
                "import { own } from 'events'; import { EventEmitter } from 'node:events'; export const handler = () "
                + "=> [own, typeof EventEmitter]"
            try await #expect(runtime.value(.js(module, dependencies: dependencies)) == ["mine", "function"])
            // Then nothing has to be built.
            try await #expect(
                runtime.value(
                    .js(
                        "function handler() { return require('crypto') }",
                        dependencies: ["crypto": "module.exports = 1"])) == 1)
        }
    }

    @Test func `What is not installed says which package has it, when it is used`() async throws {
        try await withRuntime {
            $0.nodeModulesDirectory = "/nowhere"
        } _: { runtime in
            for (module, package) in [
                ("buffer", "node-buffer"), ("events", "node-events"), ("path", "node-path-browserify"),
                ("string_decoder", "node-string-decoder"),
            ] {
                let source =
                    "let found; try { found = require('\(module)') } catch (error) { found = error.message }\nfunction "
                    + "handler() { return found }"
                try await #expect(
                    runtime.value(.js(source))
                        == .string("The module '\(module)' is not installed on the host: apt install \(package)"))
            }
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(
                    .js("import { randomUUID } from 'crypto'; export const handler = () => randomUUID()"))
            }
            #expect(error?.message.contains("apt install node-buffer") == true, "\(error?.message ?? "")")
            // Ours need nothing.
            try await #expect(
                runtime.value(
                    .js("const { format } = require('util'); function handler() { return format('%s', 'x') }")) == "x")
            try await #expect(runtime.value(.js("export const handler = () => typeof Buffer")) == "undefined")
        }
    }

    @Test func `What was installed belongs to a build's name`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("builds-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = "const path = require('path'); function handler() { return path.sep }"
        for (directory, count) in [("/usr/share/nodejs", 1), ("/nowhere", 2), ("/usr/share/nodejs", 2)] {
            try await withRuntime {
                $0.buildDirectory = folder.path
                $0.nodeModulesDirectory = directory
            } _: { runtime in
                _ = try? await runtime.value(.js(source))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == count)
        }
    }

    @Test func `Without esbuild a script that asks for one says what to install`() async throws {
        try await withRuntime {
            $0.esbuild = "/nowhere/esbuild"
        } _: { runtime in
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(.js("require('util'); function handler() {}"))
            }
            #expect(error?.message.contains("apt install esbuild") == true)
        }
    }

    @Test func `An error that is inspected shows the author's places`() async throws {
        let source =
            "import { inspect } from 'util';\nexport const handler = () => {\n  return inspect(new RangeError('no'));\n"
            + "};"
        try await withRuntime { runtime in
            let text = try await runtime.value(.js(source)).stringValue
            #expect(text?.hasPrefix("RangeError: no\n    at handler (function.js:3:") == true, "\(text ?? "")")
        }
    }

    @Test func `A global Buffer is there for those that use it, and in nobody's script else`() async throws {
        try await withRuntime { runtime in
            let definition = FunctionDefinition(
                language: .javaScript, sourceCode: "export const handler = () => 'no Buffer here'")
            let other = FunctionDefinition(
                language: .javaScript, sourceCode: "export const handler = () => Buffer.from('x').length")
            let (without, with) = (
                Function(id: try FunctionID("a"), revision: "1", definition: definition),
                Function(id: try FunctionID("b"), revision: "1", definition: other)
            )
            try await runtime.build(without)
            try await runtime.build(with)
            #expect((without.built?.script.utf8.count ?? .max) < 3000)
            #expect((with.built?.script.utf8.count ?? 0) > 30_000)
        }
    }

    @Test func `Random numbers differ from call to call`() async throws {
        let source =
            "const { randomBytes } = require('crypto'); function handler() { return randomBytes(16).toString('hex') }"
        try await withRuntime { runtime in
            var seen: Set<String> = []
            for _ in 0..<8 { seen.insert(try await runtime.value(.js(source)).stringValue ?? "") }
            #expect(seen.count == 8)
        }
    }
}
