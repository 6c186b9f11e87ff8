import Foundation
import FunctionModel
import Synchronization
import SystemCalls
import TestSupport
import Testing

@testable import FunctionExecution

@Suite struct ZygoteSetTests {
    private static let python = ZygoteKind(language: .python)
    private static let script = ZygoteKind(language: .javaScript)
    private static func folder(_ name: String) -> ZygoteKind { ZygoteKind(language: .python, folders: [name]) }

    private static func make(zygotes: Int = 9, spares: Int = 2, lifetime: Int64 = 0, forks: Int = 0) -> ZygoteSet {
        ZygoteSet(limits: .init(zygotes: zygotes, spares: spares, age: .init(lifetime: lifetime, forks: forks)))
    }

    /// The zygote of a kind that has to be there.
    private static func zygote(_ kind: ZygoteKind, _ set: inout ZygoteSet, now: Int64 = 0) throws -> UInt64 {
        let (id, _) = try set.need(kind, now: now).get()
        return id
    }

    @Test func `A kind's zygote is spawned once`() throws {
        var set = Self.make()
        let first = try set.need(Self.python, now: 0).get()
        #expect(first.actions == [.spawn(first.zygote, Self.python)])
        let again = try set.need(Self.python, now: 1).get()
        #expect(again.zygote == first.zygote && again.actions == [])
        let other = try set.need(Self.script, now: 1).get()
        #expect(other.zygote != first.zygote)
    }

    @Test func `A zygote that could not be spawned is spawned again for the next that needs it`() throws {
        var set = Self.make()
        let first = try Self.zygote(Self.python, &set)
        #expect(set.zygoteEnded(first, now: 0) == [])
        #expect(try set.need(Self.python, now: 1).get().actions == [.spawn(first + 1, Self.python)])
    }

    @Test func `At the limit the zygote without workers that was used longest ago ends`() throws {
        var set = Self.make(zygotes: 2)
        let (a, b) = (try Self.zygote(Self.folder("a"), &set, now: 1), try Self.zygote(Self.folder("b"), &set, now: 2))
        _ = try Self.zygote(Self.folder("a"), &set, now: 3)
        let third = try set.need(Self.folder("c"), now: 4).get()
        #expect(third.actions == [.close(b), .spawn(third.zygote, Self.folder("c"))])
        let fourth = try set.need(Self.folder("d"), now: 5).get()
        #expect(fourth.actions == [.close(a), .spawn(fourth.zygote, Self.folder("d"))])
    }

    @Test func `Where every zygote has workers, one more is refused until a worker has ended`() throws {
        var set = Self.make(zygotes: 1)
        let a = try Self.zygote(Self.folder("a"), &set)
        let worker = set.fork(a, isSpare: false, now: 0)
        #expect(throws: ZygoteSet.Refusal.full) { try set.need(Self.folder("b"), now: 1).get() }
        #expect(try Self.zygote(Self.folder("a"), &set) == a, "the kind that is there is served")
        #expect(set.processEnded(worker) == [.close(a)])
        let b = try set.need(Self.folder("b"), now: 2).get()
        #expect(b.actions == [.spawn(b.zygote, Self.folder("b"))])
    }

    @Test func `A zygote with spares only makes room, and its spares go with it`() throws {
        var set = Self.make(zygotes: 1)
        let python = try Self.zygote(Self.python, &set)
        let spare = set.fork(python, isSpare: true, now: 0)
        let other = try set.need(Self.script, now: 1).get()
        #expect(other.actions == [.discard(spare), .close(python), .spawn(other.zygote, Self.script)])
        #expect(set.missingSpares(.python) == 2)
        #expect(set.forked(spare) == .none)
    }

    @Test func `A language's zygote stays without workers, another ends after its last`() throws {
        var set = Self.make()
        let (python, folder) = (try Self.zygote(Self.python, &set), try Self.zygote(Self.folder("a"), &set))
        let workers = [python, folder, folder].map { set.fork($0, isSpare: false, now: 0) }
        let actions = workers.map { set.processEnded($0) }
        #expect(actions == [[], [], [.close(folder)]])
        #expect(try Self.zygote(Self.folder("a"), &set) != folder)
        #expect(set.processEnded(workers[0]) == [], "reported twice")
    }

    @Test func `A spare is taken by one worker, and a dead one by none`() throws {
        var set = Self.make()
        let python = try Self.zygote(Self.python, &set)
        let spares = (0..<2).map { _ in set.fork(python, isSpare: true, now: 0) }
        #expect(set.missingSpares(.python) == 0)
        let taken = set.takeSpare(.python, now: 1) { $0 != spares[1] }
        #expect(taken.number == spares[0] && taken.actions == [.discard(spares[1])])
        #expect(set.forked(spares[0]) == .worker)
        #expect(set.takeSpare(.python, now: 1) { _ in true }.number == nil)
        #expect(set.takeSpare(.javaScript, now: 1) { _ in true }.number == nil)
        #expect(set.missingSpares(.python) == 2)
    }

    @Test func `A successor forks from the moment when it has started, and the old one ends after its workers`() throws
    {
        var set = Self.make(lifetime: 100)
        let old = try Self.zygote(Self.python, &set)
        let (worker, spare) = (set.fork(old, isSpare: false, now: 0), set.fork(old, isSpare: true, now: 0))
        #expect(set.renew(now: 99) == [])
        #expect(set.renew(now: 100) == [.spawn(old + 1, Self.python)])
        #expect(set.renew(now: 101) == [], "one successor is enough")
        #expect(try Self.zygote(Self.python, &set) == old)
        #expect(set.zygoteStarted(old + 1, now: 102) == [.discard(spare), .refill(.python)])
        #expect(try Self.zygote(Self.python, &set) == old + 1)
        #expect(set.processEnded(worker) == [.close(old)])
        #expect(set.renew(now: 201) == [], "its time begins with its start")
    }

    @Test func `Where a successor does not start, the old one goes on and is renewed later`() throws {
        var set = Self.make(lifetime: 100)
        let old = try Self.zygote(Self.python, &set)
        _ = set.renew(now: 100)
        #expect(set.zygoteEnded(old + 1, now: 100) == [])
        #expect(set.renew(now: 101) == [])
        #expect(try Self.zygote(Self.python, &set) == old)
        #expect(set.renew(now: 100 + ZygoteAge.retryDelay) == [.spawn(old + 2, Self.python)])
    }

    @Test func `All processes are lost with their zygote, and another takes its place`() throws {
        var set = Self.make()
        let python = try Self.zygote(Self.python, &set)
        let processes = [set.fork(python, isSpare: false, now: 0), set.fork(python, isSpare: true, now: 0)]
        set.zygoteIsGone(python)
        #expect(try Self.zygote(Self.python, &set) != python)
        #expect(set.zygoteEnded(python, now: 1) == processes.map { .lose($0) })
        #expect(set.zygoteEnded(python, now: 1) == [] && set.processCount == 0)
        #expect(set.missingSpares(.python) == 2)
    }

    @Test func `Nothing starts after the end`() throws {
        var set = Self.make(lifetime: 1)
        _ = try Self.zygote(Self.python, &set)
        set.shutDown()
        #expect(throws: ZygoteSet.Refusal.shuttingDown) { try set.need(Self.python, now: 1).get() }
        #expect(set.renew(now: 100) == [] && set.missingSpares(.python) == 0)
    }

    @Test func `A folder that the host does not have is an error that names it`() {
        let definition = FunctionDefinition(
            language: .python, sourceCode: "", folders: .init(source: "known", packages: "/absolute"))
        var configuration = FunctionRuntime.Configuration()
        #expect(throws: LoadError.self) { try ZygoteKind(definition, configuration) }
        configuration.artifactPath = { $0 == "known" ? "/artifacts/known" : nil }
        let error = #expect(throws: LoadError.self) { try ZygoteKind(definition, configuration) }
        #expect(error?.message.contains("'/absolute'") == true)
        configuration.artifactPath = { $0.hasPrefix("/") ? $0 : "/artifacts/\($0)" }
        let kind = try? ZygoteKind(definition, configuration)
        #expect(kind?.folders == ["/artifacts/known", "/absolute"])
    }
}

@Suite struct ZygoteProcessTests {
    @Test func `A zygote whose handle cannot be opened leaves no zombie`() async throws {
        let pid = Mutex<pid_t>(0)
        let error = Mutex<String?>(nil)
        let zygote = try ZygoteProcess(
            kind: ZygoteKind(language: .python), executable: "/bin/cat", sandbox: SandboxRequest(mode: .off),
            openHandle: { child throws(SystemCallError) in
                pid.withLock { $0 = child }
                throw SystemCallError("pidfd_open", code: 12)
            },
            onEvent: { if case .zygoteEnded(let reason) = $0 { error.withLock { $0 = reason.message } } })
        await #expect(throws: WorkerCrashed.self) { _ = try await zygote.waitUntilStarted() }
        try await waitUntil("the end is reported") { error.withLock { $0 } != nil }
        #expect(error.withLock { $0 }?.contains("cannot be started: pidfd_open") == true)
        let child = pid.withLock { $0 }
        #expect(child > 0 && Processes.children().contains(child) == false)
        #expect(throws: SystemCallError.self) { try Processes.wait(for: child) }
    }

    @Test func `A zygote that does not read makes a fork request fail, not wait`() async throws {
        try await TemporaryDirectory.with { directory in
            let path = try directory.write("#!/bin/sh\nexec sleep 60\n", to: "zygote")
            chmod(path, 0o755)
            let zygote = try ZygoteProcess(
                kind: ZygoteKind(language: .python), executable: path, sandbox: SandboxRequest(mode: .off),
                onEvent: { _ in })
            let (ours, theirs) = try Sockets.makeStreamPair()
            defer { for socket in [ours, theirs] { Descriptors.close(socket) } }
            let isBusy = (UInt64(1)...100_000).contains { number in
                if case .busy = zygote.fork(worker: number, isSpare: false, priority: .usual, socket: theirs) {
                    true
                } else {
                    false
                }
            }
            #expect(isBusy)
            await zygote.end()
        }
    }
}
