import Foundation
import FunctionModel
import TestSupport
import Testing

/// `minWorkers` and `idleTimeoutMillis`, and calls that wait, with `faas serve` as it starts by default.
@Suite(.serialized) struct ReadyWorkerTests {
    /// Answers when its worker loaded it, in milliseconds since 1970.
    private static func loadTime(_ language: String, _ comment: String = "") -> TestFunction {
        language == "js"
            ? .js("heavy", "const loaded = Date.now(); exports.handler = () => loaded // \(comment)")
            : .python(
                "heavy", "import time\nloaded = int(time.time() * 1000)\ndef handler(event): return loaded # \(comment)"
            )
    }

    private static func health(_ server: Server) async throws -> JSONValue {
        try JSONValue(json: Array(try await server.http.get("/health?verbose").body))
    }

    /// Waits until there are so many workers, and all are idle.
    private static func waitForWorkers(_ server: Server, _ count: Int64) async throws {
        var last: [JSONValue?] = []
        do {
            try await waitUntil("there are \(count) workers") {
                let health = try await health(server)
                last = [health["workers"], health["idleWorkers"]]
                return last == [.integer(count), .integer(count)]
            }
        } catch is TestFailure {
            throw TestFailure("there should be \(count) idle workers, and there are \(last)")
        }
    }

    private static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    @Test(arguments: ["js", "python"])
    func `A worker is ready when the server has started, and no call pays for its load`(language: String) async throws {
        try await Server.with([Self.loadTime(language).keptReady(2)]) { server in
            try await Self.waitForWorkers(server, 2)
            let before = Self.now()
            for _ in 0..<3 {
                let answer = try await server.http.invoke("heavy", "{}")
                #expect(answer.status == 200, "\(answer.text)")
                let loaded = try #require(Int64(answer.text))
                // JavaScript's first calls have a context each, which loads the source again.
                if language == "python" { #expect(loaded <= before) }
            }
            try await Self.waitForWorkers(server, 2)
        }
    }

    @Test func `Workers are ready after a deployment, and follow changes of the function`() async throws {
        try await Server.with { server in
            try await server.workspace.upload(Self.loadTime("python").keptReady(1, idleTimeoutMillis: 50))
            try await Self.waitForWorkers(server, 1)
            // Another revision: its worker starts, and the one before ends for want of calls.
            try await server.workspace.upload(Self.loadTime("python", "new").keptReady(3, idleTimeoutMillis: 50))
            try await Self.waitForWorkers(server, 3)
            try await server.workspace.upload(Self.loadTime("python", "new").keptReady(nil, idleTimeoutMillis: 50))
            try await Self.waitForWorkers(server, 0)
            try await server.workspace.upload(Self.loadTime("python", "last").keptReady(1, idleTimeoutMillis: 50))
            try await Self.waitForWorkers(server, 1)
            let deleted = try await server.workspace.faas("delete", "heavy")
            #expect(deleted.exit == .code(0))
            try await Self.waitForWorkers(server, 0)
        }
    }

    @Test func `A function's idle timeout takes the place of the host's, and a ceiling bounds both fields`()
        async throws
    {
        let function = Self.loadTime("js").keptReady(nil, idleTimeoutMillis: 100)
        try await Server.with([function]) { server in
            #expect(try await server.http.invoke("heavy", "{}").status == 200)
            try await Self.waitForWorkers(server, 0)
        }
        try await Server.with(
            [Self.loadTime("js").keptReady(5, idleTimeoutMillis: 60_000)],
            arguments: ["--max-min-workers", "1", "--max-idle-timeout", "100"]
        ) { server in
            try await Self.waitForWorkers(server, 1)
            async let first = server.http.invoke("heavy", "{}")
            async let second = server.http.invoke("heavy", "{}")
            let statuses = try await [first.status, second.status]
            #expect(statuses == [200, 200])
            try await Self.waitForWorkers(server, 1)
        }
    }

    @Test func `Other functions may take the place of a ready worker, which is counted`() async throws {
        let sleeper = TestFunction.js(
            "sleeper", "exports.handler = () => new Promise(done => setTimeout(() => done(1), 3000))")
        try await Server.with([Self.loadTime("python").keptReady(1), sleeper], arguments: ["--workers", "1"]) {
            server in
            try await Self.waitForWorkers(server, 1)
            #expect(try await Self.health(server)["evictedReadyWorkers"] == 0)
            #expect(try await server.http.invoke("sleeper", "{}").status == 200)
            let health = try await Self.health(server)
            #expect(health["evictedReadyWorkers"] == 1 && health["invocationsEndedForMemory"] == 0)
        }
    }

    @Test func `100 calls that wait, at once and with the default options, are all answered`() async throws {
        let functions: [TestFunction] = [
            .js(
                "wait-js", "exports.handler = async e => { await new Promise(done => setTimeout(done, 500)); return e }"
            ),
            .python("wait-python", "import time\ndef handler(e):\n  time.sleep(0.5)\n  return e"),
        ]
        try await Server.with(functions) { server in
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for call in 0..<100 {
                    let (function, event) = (call % 2 == 0 ? "wait-js" : "wait-python", "{\"call\":\(call)}")
                    group.addTask {
                        let answer = try await server.http.invoke(function, event)
                        return answer.status == 200 && answer.text == event
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // One worker for each processor would need 50 turns of half a second, and calls have five seconds.
            #expect(right == 100)
        }
    }
}
