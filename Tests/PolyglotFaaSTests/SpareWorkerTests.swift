import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

@Suite struct SpareWorkerTests {
    // The sandbox is off where process numbers that the function sees are looked up here.

    /// The worker of this call, which at this level is the parent of the process that runs it.
    private static let whichWorker = {
        var request = InvocationRequest.python("import os\ndef handler(event): return os.getppid()")
        request.isolation = .process
        return request
    }()

    /// A new function each time.
    private static func whichWorker(_ number: Int) -> InvocationRequest {
        var request = whichWorker
        request.sourceCode += "\n# \(number)"
        return request
    }

    private static func siblings(of pid: pid_t) throws -> Set<pid_t> {
        let zygote = try #require(ProcessEntry(pid: pid)).parent
        return Set(ProcessTable.children(of: zygote).map(\.pid))
    }

    private static func pid(_ runtime: FunctionRuntime, _ number: Int) async throws -> pid_t {
        pid_t(try #require(try await runtime.value(whichWorker(number)).integerValue))
    }

    @Test func `The first invocation of a function is served by a process that was there before`() async throws {
        try await withRuntime {
            ($0.spareWorkersPerLanguage, $0.sandbox) = (1, .off)
        } _: { runtime in
            let first = try await Self.pid(runtime, 0)
            for number in 1...3 {
                try await waitUntil("there is a spare") { try Self.siblings(of: first).count == number + 1 }
                let before = try Self.siblings(of: first)
                let pid = try await Self.pid(runtime, number)
                #expect(before.contains(pid))
            }
            #expect(runtime.workerCount == 4, "spares do not count as workers")
        }
    }

    @Test func `Without spares, and after one has been killed, a worker is forked when it is needed`() async throws {
        for spares in [0, 1] {
            try await withRuntime {
                ($0.spareWorkersPerLanguage, $0.sandbox) = (spares, .off)
            } _: { runtime in
                let first = try await Self.pid(runtime, 0)
                try await waitUntil("there are as many processes as should be") {
                    try Self.siblings(of: first).count == 1 + spares
                }
                for spare in try Self.siblings(of: first) where spare != first { kill(spare, SIGKILL) }
                try await waitUntil("the spare has been collected") { try Self.siblings(of: first).count == 1 }
                let second = try await Self.pid(runtime, 1)
                #expect(second != first)
            }
        }
    }

    @Test func `A spare that has just been killed does not fail its first caller`() async throws {
        try await withRuntime {
            ($0.spareWorkersPerLanguage, $0.sandbox) = (2, .off)
        } _: { runtime in
            let first = try await Self.pid(runtime, 0)
            for number in 1...5 {
                try await waitUntil("there are spares") { try Self.siblings(of: first).count >= number + 2 }
                let served = try Self.siblings(of: first)
                for spare in served.sorted().suffix(2) where spare != first { kill(spare, SIGKILL) }
                try await waitUntil("they have ended") {
                    try Self.siblings(of: first).isDisjoint(with: served.sorted().suffix(2))
                        || served.sorted().suffix(2).allSatisfy { !processIsAlive(Int64($0)) }
                }
                _ = try await Self.pid(runtime, number)
            }
        }
    }

    @Test(arguments: Isolation.allCases, Language.all)
    func `A function of any level answers the same, first and later`(isolation: Isolation, language: Language)
        async throws
    {
        try await withRuntime {
            $0.spareWorkersPerLanguage = 1
        } _: { runtime in
            try await runtime.start([language])
            for number in 0..<3 {
                for call in Int64(0)..<6 {
                    var request =
                        language == .python
                        ? InvocationRequest.python("def handler(event): return event * 2\n# \(number)", .integer(call))
                        : .js("exports.handler = event => event * 2 // \(number)", .integer(call))
                    request.isolation = isolation
                    try await #expect(runtime.value(request) == .integer(call * 2))
                }
            }
        }
    }
}
