import FunctionModel
import PolyglotFaaS
import Testing

/// What Node gives to every file, and packages expect without asking.
@Suite struct NodeEnvironmentTests {
    private func expect(_ body: String, is json: String, dependencies: [String: String] = [:]) async throws {
        try await withRuntime { runtime in
            // Before the snapshot, and after it.
            for _ in 0..<4 {
                let request = InvocationRequest.js(
                    "exports.handler = async event => { \(body) }", dependencies: dependencies)
                try await #expect(runtime.value(request) == JSONValue(json: Array(json.utf8)))
            }
        }
    }

    // MARK: process

    @Test func `process says that it is Node 20 on Linux, and what it was started with`() async throws {
        try await expect(
            """
            const { platform, arch, argv, pid, version, versions } = process;
            return [platform, arch, argv.length, pid, /^v20\\./.test(version), version === 'v' + versions.node, `${process}`]
            """, is: #"["linux","x64",2,1,true,true,"[object process]"]"#)
    }

    @Test func `process measures time and memory`() async throws {
        try await expect(
            """
            const start = process.hrtime(), big = process.hrtime.bigint(), [seconds, nanoseconds] = process.hrtime(start);
            const memory = process.memoryUsage();
            return [start.length, typeof big, seconds === 0 && nanoseconds >= 0, process.uptime() >= 0,
              memory.rss > 0 && memory.heapUsed > 0 && memory.heapTotal >= memory.heapUsed, Object.keys(memory)]
            """,
            is: #"[2,"bigint",true,true,true,["rss","heapTotal","heapUsed","external","arrayBuffers"]]"#)
    }

    @Test func `What is written to process.stdout and stderr becomes log lines, the last one without its end too`()
        async throws
    {
        try await withRuntime { runtime in
            let source = """
                exports.handler = event => {
                  process.stdout.write('one '); process.stdout.write(new TextEncoder().encode('line\\nand '));
                  console.log('between'); process.stderr.write('wrong\\n'); process.stdout.write('rest');
                  return process.stdout.isTTY;
                }
                """
            for _ in 0..<4 {
                let log = try await runtime.invoke(.js(source)).logs
                #expect(log.map(\.text) == ["one line", "and ", "between", "wrong", "rest"])
                #expect(log.map(\.level) == [.info, .info, .info, .error, .info])
            }
        }
    }

    @Test func `Listeners of process are called, and none is left for the next call`() async throws {
        try await expect(
            """
            const heard = [], add = name => function (value) { heard.push(name + value + (this === process)) };
            const second = add('b');
            process.on('x', add('a')).on('x', second).once('x', add('c'));
            process.emit('x', 1); process.removeListener('x', second); process.emit('x', 2);
            return [heard, process.listenerCount('x'), process.emit('y'), process.eventNames()]
            """, is: #"[["a1true","b1true","c1true","a2true"],1,false,["x"]]"#)
    }

    @Test func `A listener takes rejections and errors of timers, which otherwise end the call`() async throws {
        try await expect(
            """
            const heard = [];
            process.on('unhandledRejection', reason => heard.push(reason.message));
            process.on('uncaughtException', error => heard.push(error.message));
            Promise.reject(new Error('rejected')); setTimeout(() => { throw new Error('thrown') }, 1);
            await new Promise(resolve => setTimeout(resolve, 5));
            return heard
            """, is: #"["rejected","thrown"]"#)
        try await withRuntime { runtime in
            let source = """
                exports.handler = async () => { setTimeout(() => { throw new Error('x') }, 1); await new Promise(() => {}) }
                """
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(.js(source)) }
            #expect(error.message == "x")
        }
    }

    @Test func `A warning is a log line and an event, and a deprecation is shown once`() async throws {
        try await withRuntime { runtime in
            let source = """
                exports.handler = async () => {
                  const heard = [];
                  process.on('warning', warning => heard.push(warning.name));
                  process.emitWarning('careful');
                  for (let i = 0; i < 2; i++) process.emitWarning('old', 'DeprecationWarning', 'DEP1');
                  await new Promise(resolve => setTimeout(resolve, 1));
                  return heard
                }
                """
            let answer = try await runtime.invoke(.js(source))
            try #expect(answer.value == ["Warning", "DeprecationWarning"])
            #expect(answer.logs.map(\.text) == ["Warning: careful", "[DEP1] DeprecationWarning: old"])
            #expect(answer.logs.allSatisfy { $0.level == .warning })
        }
    }

    @Test(arguments: [
        ("process.exit(3)", "The function called process.exit(3)."),
        ("process.exit()", "The function called process.exit()."),
        ("process.kill(1)", "'process.kill' is not available in the sandbox."),
        ("process.nextTick(1)", "The \"callback\" argument must be of type function."),
    ])
    func `What ends a process is an error`(call: String, message: String) async throws {
        try await withRuntime { runtime in
            let error = try await #require(throws: HandlerError.self) {
                try await runtime.invoke(.js("exports.handler = () => { \(call) }"))
            }
            #expect(error.message == message)
        }
    }

    // MARK: Modules

    @Test func `A file knows its place, and a module what it is`() async throws {
        try await expect(
            """
            return [__dirname, __filename, require.resolve('util'), require.resolve('./lib/a.js'), require.main === module,
              module.id, module.paths, require('./lib/a.js')]
            """,
            is: """
                ["/function","/function/index.js","util","/function/lib/a.js",true,".",[],
                 ["/function/lib/a.js","/function/lib","./lib/a.js",false]]
                """,
            dependencies: ["./lib/a.js": "module.exports = [__filename, __dirname, module.id, require.main === module]"]
        )
    }

    @Test(arguments: ["require('nothing')", "require.resolve('nothing')"])
    func `A module that is not there has the code that packages ask for`(call: String) async throws {
        try await expect("try { \(call) } catch (error) { return error.code }", is: #""MODULE_NOT_FOUND""#)
    }

    // MARK: Timers

    @Test func `Timers are objects that stand for their number`() async throws {
        try await expect(
            """
            const order = [], timer = setTimeout(() => order.push('never'), 1), other = setTimeout(() => order.push('never'), 1);
            const about = [typeof timer, +timer > 0, timer.hasRef(), timer.unref().hasRef(), timer.ref() === timer];
            clearTimeout(timer); clearTimeout(+other); clearTimeout(undefined); clearTimeout({});
            let turns = 0;
            await new Promise(resolve => setInterval(function () { if (++turns === 3) { clearInterval(this); resolve() } }, 1));
            let times = 0;
            await new Promise(resolve => { const again = setTimeout(() => { if (++times === 2) resolve(); else again.refresh() }, 1) });
            const last = setTimeout(() => order.push('never'), 1).refresh(); last.close(); last.refresh();
            await new Promise(resolve => setTimeout(resolve, 5));
            return [about, order, turns, times]
            """, is: #"[["object",true,true,false,true],[],3,2]"#)
    }

    @Test func `A timer that was told so does not keep a call going`() async throws {
        try await withRuntime { runtime in
            let source = """
                exports.handler = (event, context, callback) => { setInterval(() => {}, 1).unref(); setTimeout(() => {}, 3) }
                """
            for _ in 0..<4 { try await #expect(runtime.value(.js(source)) == nil) }
        }
    }

    // MARK: Stacks

    @Test func `Error.prepareStackTrace gets call sites`() async throws {
        try await expect(
            """
            function inner() { const of = {}; Error.captureStackTrace(of); return [of.stack, new Error('x').stack] }
            const before = Error.prepareStackTrace;
            Error.prepareStackTrace = (error, sites) => sites;
            const [captured, thrown] = inner();
            Error.prepareStackTrace = before;
            return [captured[0].getFunctionName(), captured[0].getFileName(), captured[0].getLineNumber(), thrown[0].getFunctionName(),
              thrown[0].getColumnNumber() > 0, typeof new Error('y').stack, new Error('z').constructor === Error, `${thrown[0]}`.startsWith('inner (')]
            """,
            is: #"["inner","function.js",1,"inner",true,"string",true,true]"#)
    }

    @Test func `Frames of calls in tail position are in a stack, and endless recursion is an error`() async throws {
        try await withRuntime { runtime in
            let source = """
                'use strict';
                function check() { throw new Error('invalid') }
                function load() { return check() }
                const forever = n => forever(n + 1);
                exports.handler = event => event ? forever(1) : load()
                """
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(.js(source, false)) }
            #expect(error.stackTrace.count == 3)
            let endless = try await #require(throws: HandlerError.self) { try await runtime.invoke(.js(source, true)) }
            #expect(endless.errorType == "RangeError")
        }
    }

    // MARK: The engine

    @Test func `WebAssembly can be compiled in the asynchronous ways`() async throws {
        try await expect(
            """
            const bytes = Uint8Array.from([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
            const { module, instance } = await WebAssembly.instantiate(bytes);
            const again = await WebAssembly.instantiate(await WebAssembly.compile(bytes));
            const fault = await WebAssembly.compile(bytes.slice(0, 9)).catch(error => error.name);
            return [instance.exports.add(2, 40), again.exports.add(1, 2), module instanceof WebAssembly.Module, fault]
            """, is: #"[42,3,true,"CompileError"]"#)
    }

    @Test func `A text that there is no memory for exceeds the memory limit`() async throws {
        try await withRuntime { runtime in
            let source = "exports.handler = event => event ? 'x'.padStart(2 ** 30).length : 'fine'"
            for tooMuch in [false, false, false, true, false, true] {
                let outcome = await runtime.outcome(of: .js(source, .bool(tooMuch)))
                #expect(outcome == (tooMuch ? "MemoryLimitExceeded" : "result"))
            }
        }
    }

    @Test func `The body of an HTTP answer may be bytes`() async throws {
        try await expect(
            "return { statusCode: 200, body: new Uint8Array([137, 80]) }",
            is: #"{"statusCode":200,"body":"iVA=","isBase64Encoded":true}"#)
        try await expect(
            "return { body: new Uint8Array([137, 80]) }", is: #"{"body":"iVA="}"#)
        try await withRuntime { runtime in
            let source = "def handler(event): return {'statusCode': 200, 'body': b'\\x89P'}"
            try await #expect(
                runtime.value(.python(source)) == ["statusCode": 200, "body": "iVA=", "isBase64Encoded": true])
        }
    }

    @Test func `An import whose name is computed says why it finds nothing`() async throws {
        try await withRuntime { runtime in
            let request = InvocationRequest(
                languageID: "js",
                sourceCode: "export const handler = async event => (await import(`./plug-${event}.mjs`)).default",
                event: "a", dependencies: ["./plug-a.mjs": "export default 'A'"], jsEvalAsModule: true)
            let error = try await #require(throws: HandlerError.self) { try await runtime.invoke(request) }
            #expect(error.message.contains("a name that is computed finds nothing"))
        }
    }

    // MARK: async_hooks

    private func asyncHooks(_ source: String, isModule: Bool = true) async throws -> [JSONValue] {
        try await withRuntime { runtime in
            var values: [JSONValue] = []
            for _ in 0..<4 {
                let request = InvocationRequest(
                    languageID: "js", sourceCode: source, event: 7, jsEvalAsModule: isModule)
                try await values.append(runtime.value(request))
            }
            return values
        }
    }

    @Test func `An AsyncLocalStorage follows promises, timers and microtasks, each call beginning without`()
        async throws
    {
        let body = """
            const one = new AsyncLocalStorage(), two = new AsyncLocalStorage();
            const wait = () => new Promise(resolve => setTimeout(resolve, 1));
            const inner = async () => { await wait(); await 0; return one.getStore() };
            const main = async event => {
              const before = one.getStore();
              const both = await Promise.all([one.run(event, inner), one.run(event + 1, inner)]);
              const seen = [];
              await one.run('a', () => two.run('b', async () => {
                setTimeout(() => seen.push(one.getStore() + two.getStore()), 1);
                queueMicrotask(() => seen.push(one.getStore() + two.getStore()));
                process.nextTick(() => seen.push(one.getStore()));
                one.exit(() => seen.push(one.getStore() ?? null));
                for (const _ of [1, 2]) await wait();
                try { await Promise.reject(new Error('x')) } catch { seen.push(one.getStore()) }
              }));
              const bound = one.run('bound', () => AsyncResource.bind(() => one.getStore()));
              one.enterWith('kept'); await wait();
              return [before ?? null, both, seen, bound(), one.getStore()];
            };
            """
        let json = #"[null,[7,8],[null,"ab","a","ab","a"],"bound","kept"]"#
        let names = "{ AsyncLocalStorage, AsyncResource }"
        let module = "import \(names) from 'node:async_hooks';\n\(body)\nexport { main as handler }"
        let script = "const \(names) = require('async_hooks');\n\(body)\nexports.handler = main"
        for (source, isModule) in [(module, true), (script, false)] {
            let values = try await asyncHooks(source, isModule: isModule)
            try #expect(values.allSatisfy { try $0 == JSONValue(json: Array(json.utf8)) }, "\(values)")
        }
    }

    @Test(arguments: ["await 0;", "async function* items() {}"])
    func `Where await cannot be followed, async_hooks loads and says that it is not available when it is used`(
        more: String
    ) async throws {
        let source = """
            import { AsyncLocalStorage } from 'node:async_hooks';
            \(more)
            export const handler = () => { try { new AsyncLocalStorage() } catch (error) { return error.message } }
            """
        let values = try await asyncHooks(source)
        #expect(
            values.allSatisfy {
                $0 == "The module 'async_hooks' is not available in the sandbox: 'AsyncLocalStorage' cannot be used."
            })
    }
}
