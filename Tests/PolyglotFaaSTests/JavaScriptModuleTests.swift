import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

/// ES modules, TypeScript and JSX, built by esbuild.
@Suite struct JavaScriptModuleTests {
    private static func module(
        _ source: String, name: String? = nil, event: JSONValue = [:], functionName: String = "handler",
        dependencies: [String: String] = [:]
    ) -> InvocationRequest {
        var request = InvocationRequest(
            languageID: "js", sourceCode: source, functionName: functionName, event: event, dependencies: dependencies)
        request.sourceName = name
        return request
    }

    @Test(arguments: [
        "export function handler(event) { return `Hello, ${event.name}!` }",
        "export const handler = async event => `Hello, ${event.name}!`",
        "function greet(event) { return `Hello, ${event.name}!` }\nexport { greet as handler }",
        "export default event => `Hello, ${event.name}!`",
        "export default function handler(event) { return `Hello, ${event.name}!` }",
        "export default { handler(event) { return `Hello, ${event.name}!` } }",
        "export default class { static handler(event) { return `Hello, ${event.name}!` } }",
        "export const other = 1\nfunction handler(event) { return `Hello, ${event.name}!` }",
        "#!/usr/bin/env node\nexport const handler = event => `Hello, ${event.name}!`",
        "const greeting = await Promise.resolve('Hello')\nexport const handler = event => `${greeting}, "
            + "${event.name}!`",
        "const greeting = await new Promise(resolve => setTimeout(resolve, 5, 'Hello'))\nexport const handler = event "
            + "=> `${greeting}, ${event.name}!`",
    ])
    func `The handler of a module is found however it is exported`(source: String) async throws {
        try await withRuntime { runtime in
            try await #expect(runtime.value(Self.module(source, event: ["name": "World"])) == "Hello, World!")
        }
    }

    @Test func `Modules import their dependencies by name and by path, from each other and in cycles`() async throws {
        let source = """
            import { total as sum } from 'prices';
            import * as text from './text/upper.js';
            import config from 'config.json';
            import legacy from 'legacy';
            import { even } from '@numbers/even';
            import shared from '../shared/shared.js';
            export async function handler(event) {
              const late = await import('prices');
              return [sum(event), text.upper(config.greeting), legacy.answer(), even(10), shared, late.total === sum];
            }
            """
        let dependencies = [
            "prices":
                "import { each } from './text/each.js'; export const total = items => { let sum = 0; each(items, i => "
                + "sum += i); return sum }",
            "text/upper.js": "export const upper = text => text.toUpperCase()",
            "text/each.js": "export function each(list, call) { for (const item of list) call(item) }",
            "config.json": #"{"greeting": "hi"}"#,
            "legacy": "const { even } = require('@numbers/even'); exports.answer = () => even(42)",
            "@numbers/even": "import { odd } from '@numbers/odd'; export const even = n => n === 0 || odd(n - 1)",
            "@numbers/odd": "import { even } from './even'; export const odd = n => n !== 0 && even(n - 1)",
            "../shared/shared.js": "import { upper } from '../text/upper.js'; export default 'shared'",
        ]
        try await withRuntime { runtime in
            var dependencies = dependencies
            dependencies["../text/upper.js"] = dependencies["text/upper.js"]
            try await #expect(
                runtime.value(Self.module(source, event: [1, 2, 3], dependencies: dependencies)) == [
                    6, "HI", true, true, "shared", true,
                ])
        }
    }

    @Test func `A module knows its own address, and has no globals for what it declares`() async throws {
        let source =
            "export let count = 0; export const handler = () => [import.meta.url, ++count, typeof globalThis.handler, "
            + "this === undefined]"
        try await withRuntime { runtime in
            for _ in 0..<6 {
                try await #expect(
                    runtime.value(Self.module(source, name: "main.mjs")) == [
                        "file:///function/main.mjs", 1, "undefined", true,
                    ])
            }
        }
    }

    @Test func `Each module has its own import.meta, and its lines and columns stay`() async throws {
        let source =
            "import { here } from './lib/here.ts';\nimport up from '../up.mjs';\nimport { plain } from 'plain.js';\n"
            + "export const handler = () => [import.meta.url, here(), up, plain]"
        let dependencies = [
            "./lib/here.ts":
                "const u: string = import.meta.url; export const here = (): string[] => [u, import.meta.filename, "
                + "import.meta.dirname];",
            "../up.mjs": "export default import.meta.filename",
            "plain.js": "// import.meta\nexports.plain = 'script'",
        ]
        try await withRuntime { runtime in
            let request = Self.module(source, name: "a b.mjs", dependencies: dependencies)
            let answer = try await runtime.value(request)
            #expect(
                answer == [
                    "file:///function/a%20b.mjs",
                    ["file:///function/lib/here.ts", "/function/lib/here.ts", "/function/lib"], "/up.mjs", "script",
                ], "\(answer.jsonText())")
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(
                    Self.module("import 'bad'", dependencies: ["bad": "import.meta.url; throw new Error('no')"]))
            }
            #expect(error?.message.contains("at bad:1:") == true && error?.column ?? 0 > 18, "\(error?.message ?? "")")
        }
    }

    @Test func `TypeScript and JSX run, and their errors name the lines that were written`() async throws {
        let typescript = """
            import { check } from './check.ts';
            interface Event { name: string }
            enum Level { low = 1, high }

            export function handler(event: Event): string | number {
              check<string>(event.name as string);
              return Level.high;
            }
            """
        let check = """
            type Anything<T> = T | undefined;

            export function check<T>(value: Anything<T>): asserts value is T {
              if (value === undefined) {
                throw new TypeError('a name is missing', { cause: new RangeError('of the event') });
              }
            }
            """
        let jsx = """
            const h = (tag: string, props: object | null, ...children: unknown[]) => ({ tag, ...props, children });
            /** @jsx h */
            export default () => <p class="x">hello {1 + 1}</p>;
            """
        try await withRuntime { runtime in
            let request = Self.module(
                typescript, name: "handler.ts", event: ["name": "x"], dependencies: ["check.ts": check])
            try await #expect(runtime.value(request) == 2)
            let error = await #expect(throws: HandlerError.self) {
                try await runtime.invoke(Self.module(typescript, name: "handler.ts", dependencies: ["check.ts": check]))
            }
            #expect(error?.errorType == "TypeError")
            #expect(error?.stackTrace.count == 4)
            #expect(error?.stackTrace[0].hasPrefix("at check (check.ts:5:") == true, "\(error?.stackTrace ?? [])")
            #expect(error?.stackTrace[1].hasPrefix("at handler (handler.ts:6:") == true)
            #expect(error?.stackTrace[2] == "Caused by: RangeError: of the event")
            #expect(error?.stackTrace[3].hasPrefix("at check (check.ts:5:") == true)
            try await #expect(
                runtime.value(Self.module(jsx, name: "view.tsx")) == [
                    "tag": "p", "class": "x", "children": ["hello ", 2],
                ])
        }
    }

    @Test(arguments: [
        (
            "export const handler = () => {\n  let x = ;\n}",
            "The source does not build: Unexpected \";\" at function.js:2:11", 2, 11
        ),
        (
            "import x from 'nowhere'; export const handler = 1",
            "The source does not build: Module not found: \"nowhere\" at function.js:1:15", 1, 15
        ),
        (
            "\nimport { nope } from 'one'; export const handler = () => nope",
            "The source does not build: No matching export in \"src/one.js\" for import \"nope\" at function.js:2:10",
            2, 10
        ),
        ("import 'two'; export const handler = 1", "The source does not build: Unexpected \"}\" at two:3:2", 3, 2),
        (
            "export const handler = () => 1;\nthrow new TypeError('no')",
            "The source does not load: TypeError: no at function.js:2:11", 2, 11
        ),
        ("import 'three'; export const handler = 1", "The source does not load: Error: late at three:2:11", 2, 11),
    ])
    func `What is wrong with a module is said with file, line and column`(
        source: String, message: String, line: Int, column: Int
    ) async throws {
        let dependencies = ["one": "export const one = 1", "two": "\n\n }", "three": "\nthrow new Error('late')"]
        try await withRuntime { runtime in
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(Self.module(source, dependencies: dependencies))
            }
            #expect(error?.message == message)
            #expect(error?.line == line)
            #expect(error?.column == column)
        }
    }

    @Test func `A module that never finishes loading says so`() async throws {
        try await withRuntime { runtime in
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(Self.module("await new Promise(() => {}); export const handler = () => 1"))
            }
            #expect(error?.message.contains("A top-level await never ends") == true)
        }
    }

    @Test(arguments: [
        "/etc/passwd", "../../../../../../../../etc/passwd", "../../../etc/passwd", "file:///etc/passwd",
        "/proc/self/environ",
    ])
    func `A build reads nothing but what it was given`(path: String) async throws {
        try await withRuntime { runtime in
            for source in [
                "import x from '\(path)'; export const handler = () => x",
                "export const handler = () => require('\(path)')",
            ] {
                let error = await #expect(throws: LoadError.self) { try await runtime.invoke(Self.module(source)) }
                #expect(error?.message.contains("Module not found") == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test(arguments: [
        "../../etc/passwd", "/etc/passwd", "..", "a/../../b", "a//b", "", "x\u{0}y", "--outfile=x", "a*b",
        "'; import 'y",
    ])
    func `A dependency whose name is no harmless path is refused or stays in its folder`(name: String) async throws {
        try await withRuntime { runtime in
            let request = Self.module("export const handler = () => 1", dependencies: [name: "export default 1"])
            do {
                try await #expect(runtime.value(request) == 1)
            } catch let error as LoadError {
                #expect(error.message.hasPrefix("The dependency "), "\(error.message)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: "/etc/passwd.js"))
    }

    @Test(arguments: [
        ("const fs = require('fs'); exports.handler = e => fs.readFileSync('x')", "fs", "readFileSync"),
        (
            "const { promises: { readFile } } = require('node:fs'); exports.handler = e => readFile('x')", "fs",
            "promises.readFile"
        ),
        ("class Own extends require('stream').Transform {}; exports.handler = e => new Own", "stream", "Transform"),
        (
            "import { readFile } from 'node:fs/promises'; export const handler = () => readFile('x')", "fs/promises",
            "readFile"
        ),
        ("import net from 'net'; export const handler = () => net.connect(1)", "net", "connect"),
        ("import * as http from 'http'; const get = http.get; export const handler = () => get('x')", "http", "get"),
        (
            "export const handler = async () => (await import('node:vm')).runInThisContext('1')", "vm",
            "runInThisContext"
        ),
        (
            "import 'path/win32'; import zlib from 'zlib'; export const handler = () => zlib.gzipSync('x')", "zlib",
            "gzipSync"
        ),
    ])
    func `What is not in the sandbox loads, and says so when it is used`(source: String, module: String, member: String)
        async throws
    {
        try await withRuntime { runtime in
            let request = source.contains("exports.") ? InvocationRequest.js(source) : Self.module(source)
            let error = await #expect(throws: HandlerError.self) { try await runtime.invoke(request) }
            #expect(
                error?.message == "The module '\(module)' is not available in the sandbox: '\(member)' cannot be used.")
        }
    }

    @Test func `Looking at a module that is not in the sandbox ends`() async throws {
        try await withRuntime { runtime in
            let source = """
                const fs = require('fs');
                exports.handler = () => { console.log(fs); return [typeof fs, typeof fs.existsSync, Object.keys(fs), fs instanceof Object, fs.then] }
                """
            try await #expect(runtime.value(.js(source)) == ["function", "function", [], false, .null])
        }
    }

    @Test func `Without esbuild scripts run, and modules say what to install`() async throws {
        try await withRuntime {
            $0.esbuild = "/nowhere/esbuild"
        } _: { runtime in
            try await #expect(
                runtime.value(.js("function handler() { return 'import x from y' }")) == "import x from y")
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(Self.module("export const handler = () => 1"))
            }
            #expect(error?.message.contains("Install it ('apt install esbuild'), or set FAAS_ESBUILD") == true)
        }
    }

    @Test(arguments: [["namespaces"], ["files"], ["systemCalls"], []])
    func `A build works with each layer of the sandbox missing, and reads nothing more`(layers: [String]) async throws {
        try await withRuntime {
            $0.sandboxWithout = layers
        } _: { runtime in
            try await #expect(runtime.value(Self.module("export const handler = () => 1")) == 1)
            await #expect(throws: LoadError.self) {
                try await runtime.invoke(Self.module("import '/etc/passwd'; export const handler = 1"))
            }
        }
    }

    @Test func `Where nothing confines files a build is refused`() async throws {
        try await withRuntime {
            $0.sandboxWithout = ["namespaces", "files"]
        } _: { runtime in
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(Self.module("export const handler = () => 1"))
            }
            #expect(error?.message.contains("confining what a build may read") == true, "\(error?.message ?? "")")
        }
    }

    @Test func `A build is kept on disk and not made again`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("builds-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let request = Self.module("export const handler = () => 'kept'")
        try await withRuntime {
            $0.buildDirectory = folder.path
        } _: { runtime in
            try await #expect(runtime.value(request) == "kept")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        try await withRuntime {
            $0.buildDirectory = folder.path
            $0.esbuild = "/nowhere/esbuild"
        } _: { runtime in
            try await #expect(runtime.value(request) == "kept")
        }
    }

    @Test func `Many callers of a new function wait for one build`() async throws {
        try await withRuntime { runtime in
            let request = Self.module("export const handler = event => event")
            try await withThrowingTaskGroup(of: JSONValue.self) { group in
                for _ in 0..<20 { group.addTask { try await runtime.value(request) } }
                for try await value in group { #expect(value == [:]) }
            }
        }
    }
}
