import Foundation
import PolyglotFaaS
import TestSupport
import Testing

@testable import FunctionExecution

@Suite struct ZygoteRenewalTests {
    @Test func `A zygote is too old after its lifetime, or after its forks, whichever comes first`() {
        var age = ZygoteAge(limits: .init(lifetime: 100, forks: 2), now: 1000)
        #expect(!age.isOver(now: 1099))
        #expect(age.isOver(now: 1100))
        age.countFork()
        #expect(!age.isOver(now: 1000))
        age.countFork()
        #expect(age.isOver(now: 1000))
        let endless = ZygoteAge(limits: .init(lifetime: 0, forks: 0), now: 0)
        #expect(!endless.isOver(now: .max))
    }

    @Test func `Where no successor starts, the old one goes on, and it is tried again later`() {
        var age = ZygoteAge(limits: .init(lifetime: 100, forks: 1), now: 0)
        age.countFork()
        #expect(age.isOver(now: 100))
        age.postpone(now: 100)
        #expect(!age.isOver(now: 100 + ZygoteAge.retryDelay - 1))
        #expect(age.isOver(now: 100 + ZygoteAge.retryDelay))
    }

    /// Says its zygote, itself, and how often it has been called. The sandbox is off, or it could not.
    private static func who(_ number: Int) -> InvocationRequest {
        var request = InvocationRequest.python(
            "import os\nn = 0\ndef handler(event):\n  global n\n  n += 1\n  return [os.getppid(), os.getpid(), n]\n# "
                + "\(number)"
        )
        request.isolation = .instance
        return request
    }

    private static func ask(_ runtime: FunctionRuntime, _ number: Int) async throws -> [Int64] {
        let answer = try await runtime.value(who(number))
        return try (0..<3).map { try #require(answer[$0]?.integerValue) }
    }

    @Test(arguments: [0, 1])
    func `A successor forks the new workers, the old zygote's serve on, and it ends after the last of them`(spares: Int)
        async throws
    {
        try await withRuntime {
            ($0.maximumZygoteForks, $0.sandbox, $0.spareWorkersPerLanguage, $0.idleTimeoutMillis) = (
                2, .off, spares, 600_000
            )
        } _: { runtime in
            let first = try await Self.ask(runtime, 0)
            var number = 0
            var next = first
            while next[0] == first[0], number < 500 {
                number += 1
                next = try await Self.ask(runtime, number)
            }
            try #require(next[0] != first[0], "there is another zygote")
            try await #expect(Self.ask(runtime, 0) == [first[0], first[1], 2])
            #expect(processIsAlive(first[0]))
            for worker in ProcessTable.children(of: pid_t(first[0])) { kill(worker.pid, SIGKILL) }
            try await waitUntil("the old zygote has ended") { !processIsAlive(first[0]) }
            // Its function goes on in a worker of the other one.
            let after = try await Self.ask(runtime, 0)
            #expect(after[0] != first[0] && after[2] == 1)
        }
    }
}
