import FunctionModel
import HostMemory
import Synchronization
import Testing

@testable import Telemetry

@Suite struct FunctionLogsTests {
    private let logs = FunctionLogs(writer: nil)

    private func identity(_ function: String) throws -> InvocationIdentity {
        InvocationIdentity(requestID: "r", functionID: try FunctionID(function), revision: "1")
    }

    private func write(_ texts: some Sequence<String>, to function: String = "f") throws {
        let identity = try identity(function)
        for text in texts { logs.invocationLogged(LogLine(level: .info, text: text), of: identity) }
    }

    private func recent(_ function: String = "f", _ change: (inout RecordQuery) -> Void = { _ in }) throws -> [String] {
        var query = RecordQuery()
        change(&query)
        return logs.recent(of: try FunctionID(function), query).map(\.text)
    }

    @Test func `The latest thousand lines of each function are in memory, each with a time of its own`() throws {
        try write((0..<2500).map(String.init))
        try write(["other"], to: "g")
        #expect(try recent() == (1500..<2500).map(String.init))
        #expect(try recent("g") == ["other"])
        #expect(try recent { $0.limit = 2 } == ["2498", "2499"])
        let times = logs.recent(of: try FunctionID("f"), RecordQuery()).map(\.time)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test
    func `Lines in memory are bounded in bytes for each function and altogether, and drawn from the host's memory`()
        throws
    {
        let memory = ByteBudget(limit: 16 << 20)
        logs.draw(from: memory)
        for function in 0..<40 {
            try write((0..<100).map { _ in String(repeating: "x", count: 10_000) }, to: "f\(function)")
            #expect(logs.bytesInMemory <= 2 << 20)
            #expect(memory.used == logs.bytesInMemory)
        }
        #expect(try recent("f39").count >= 40, "half a megabyte of the last one")
        #expect(try recent("f0").isEmpty, "the oldest function is forgotten")
    }

    @Test func `A host without memory keeps no lines and takes no harm`() throws {
        let memory = ByteBudget(limit: 1 << 20)
        logs.draw(from: memory)
        try write(["a", "b"])
        let rest = memory.limit - memory.used
        #expect(memory.reserve(rest))
        try write((0..<1000).map(String.init))
        #expect(memory.used == memory.limit || memory.used < memory.limit)
        memory.release(rest)
        try write(["c"])
        #expect(try recent().last == "c")
        #expect(memory.used == logs.bytesInMemory)
    }

    @Test func `A follower gets what its query wants, and is told what it missed`() async throws {
        var query = RecordQuery()
        query.level = .warning
        let id = try FunctionID("f")
        let follower = try logs.follow(id, query)
        try write(["hidden"])
        logs.invocationLogged(LogLine(level: .error, text: "shown"), of: try identity("f"))
        logs.invocationLogged(LogLine(level: .error, text: "other's"), of: try identity("g"))
        var batch = follower.take()
        #expect(batch.lines.map(\.text) == ["shown"] && batch.dropped == 0)
        for _ in 0..<100 {
            logs.invocationLogged(
                LogLine(level: .error, text: String(repeating: "x", count: 50_000)), of: try identity("f"))
        }
        batch = follower.take()
        #expect(batch.lines.count > 10 && batch.lines.count + batch.dropped == 100 && batch.dropped > 0)
        #expect(batch.lines.reduce(0) { $0 + $1.cost } <= LogFollower.maximumBytes)
        logs.stopFollowing(id, follower)
        for await _ in follower.changes {}
        logs.invocationLogged(LogLine(level: .error, text: "late"), of: try identity("f"))
        #expect(follower.take().lines.isEmpty)
    }

    @Test func `Followers are limited, and all end when the host stops`() async throws {
        let id = try FunctionID("f")
        var followers: [LogFollower] = []
        for _ in 0..<FunctionLogs.maximumFollowers { followers.append(try logs.follow(id, RecordQuery())) }
        #expect(throws: Overloaded.self) { try logs.follow(id, RecordQuery()) }
        logs.stopFollowing(id, followers[0])
        logs.stopFollowing(id, followers[0])
        followers[0] = try logs.follow(id, RecordQuery())
        #expect(throws: Overloaded.self, "ending one twice makes room for one") { try logs.follow(id, RecordQuery()) }
        logs.endFollowers()
        for follower in followers { for await _ in follower.changes {} }
        for follower in followers { logs.stopFollowing(id, follower) }
        let late = try logs.follow(id, RecordQuery())
        for await _ in late.changes {}
    }
}
