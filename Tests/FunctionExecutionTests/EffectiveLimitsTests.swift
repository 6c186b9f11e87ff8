import FunctionModel
import Testing

@testable import FunctionExecution

@Suite struct EffectiveLimitsTests {
    private static func limits(
        _ own: FunctionLimits = FunctionLimits(), timeoutMillis: Int? = nil,
        _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in }
    ) -> EffectiveLimits {
        var configuration = FunctionRuntime.Configuration()
        configure(&configuration)
        return EffectiveLimits(
            FunctionDefinition(language: .python, sourceCode: "", timeoutMillis: timeoutMillis, limits: own),
            configuration)
    }

    @Test func `A function's own limit counts, else the host's default`() {
        let own = Self.limits(FunctionLimits(memoryMB: 300, maxConcurrency: 2, cpuMillis: 7))
        #expect(own.memoryMB == 300 && own.maximumWorkers == 2 && own.cpuMillis == 7)
        let none = Self.limits { $0.cpuMillis = 9 }
        #expect(none.memoryMB == 128 && none.cpuMillis == 9 && none.temporaryMB == nil)
        #expect(none.maximumEventBytes == FunctionRuntime.maximumEventBytes)
    }

    @Test func `A report says of each limit where it comes from`() throws {
        let limits = Self.limits(FunctionLimits(memoryMB: 300, maxResultBytes: 9), timeoutMillis: 0) {
            $0.ceilings.memoryMB = 200
        }
        let report = limits.report(defaultTimeoutMillis: 5000, defaultEventBytes: 100)
        func limit(_ name: String) throws -> LimitReport { try #require(report.first { $0.name == name }) }
        try #expect(limit("memoryMB") == LimitReport(name: "memoryMB", value: 200, source: .ceiling))
        try #expect(limit("maxResultBytes") == LimitReport(name: "maxResultBytes", value: 9, source: .function))
        try #expect(limit("maxEventBytes") == LimitReport(name: "maxEventBytes", value: 100, source: .host))
        try #expect(limit("cpuMillis") == LimitReport(name: "cpuMillis", value: nil, source: .host))
        // 0 means that there is no limit.
        try #expect(limit("timeoutMillis") == LimitReport(name: "timeoutMillis", value: nil, source: .function))
        let other = Self.limits { $0.maximumTimeoutMillis = 1000 }
        let timeout = other.report(defaultTimeoutMillis: 5000, defaultEventBytes: 100).first
        #expect(timeout == LimitReport(name: "timeoutMillis", value: 1000, source: .host))
    }

    @Test func `Neither a function nor a default exceeds a ceiling, and a ceiling is no minimum`() {
        let ceilings = FunctionLimits(
            memoryMB: 100, maxConcurrency: 3, maxEventBytes: 4, maxResultBytes: 5, maxLogBytes: 6, cpuMillis: 7,
            temporaryMB: 8)
        let all = Self.limits(FunctionLimits(temporaryMB: 100)) { $0.ceilings = ceilings }
        #expect(all.memoryMB == 100 && all.maximumWorkers <= 3 && all.maximumEventBytes == 4)
        #expect(all.maximumResultBytes == 5 && all.maximumLogBytes == 6)
        #expect(all.cpuMillis == 7, "a ceiling also bounds functions without a limit")
        #expect(all.temporaryMB == 8)
        let less = Self.limits(FunctionLimits(memoryMB: 50)) { $0.ceilings = ceilings }
        #expect(less.memoryMB == 50 && less.temporaryMB == nil)
    }

    @Test func `A function has as many workers ready as it asks for, within its concurrency and the ceiling`() {
        let own = FunctionLimits(maxConcurrency: 5, minWorkers: 3, idleTimeoutMillis: 600_000)
        let wanted = Self.limits(own)
        #expect(wanted.minimumWorkers == 3 && wanted.idleTimeoutMillis == 600_000)
        let less = Self.limits(own) { $0.ceilings = FunctionLimits(minWorkers: 2, idleTimeoutMillis: 1000) }
        #expect(less.minimumWorkers == 2 && less.idleTimeoutMillis == 1000)
        #expect(Self.limits(own) { $0.ceilings.maxConcurrency = 1 }.minimumWorkers == 1)
        // A ceiling is no wish.
        let none = Self.limits { $0.ceilings = FunctionLimits(minWorkers: 2, idleTimeoutMillis: 1000) }
        #expect(none.minimumWorkers == 0 && none.idleTimeoutMillis == nil)
    }

    @Test(arguments: [
        (nil as Int?, nil as Int?, nil as Int?, 0), (nil, 50, nil, 50), (0, 50, nil, 0), (20, 50, nil, 20),
        (nil, nil, 100, 100), (nil, 500, 100, 100), (0, 500, 100, 100), (-1, nil, 100, 100), (20, 500, 100, 20),
        (nil, nil, 0, 0),
    ]) func `A timeout is the caller's, else the function's, within the ceiling`(
        asked: Int?, own: Int?, ceiling: Int?, effective: Int
    ) {
        let limits = Self.limits(timeoutMillis: own) { $0.maximumTimeoutMillis = ceiling }
        #expect(limits.timeoutMillis(asked: asked) == effective)
    }

    @Test(arguments: [Int.max, Int.min, 1 << 60]) func `No number overflows when it becomes bytes`(number: Int) {
        let own = FunctionLimits(
            memoryMB: number, maxConcurrency: number, maxEventBytes: number, maxResultBytes: number,
            maxLogBytes: number, cpuMillis: number, temporaryMB: number, minWorkers: number,
            idleTimeoutMillis: number)
        let limits = Self.limits(own)
        #expect(limits.memory(.invocation).most >= 0 && limits.maximumWorkers >= 1)
        #expect(limits.minimumWorkers >= 0 && limits.idleTimeoutMillis ?? 0 >= 0)
    }
}
