import Testing

@testable import FunctionExecution

@Suite struct GrowthRuleTests {
    /// A rule that has seen the same at so many looks.
    private static func rule(looks: Int, computed: Int64, slept: Int64) -> GrowthRule {
        var rule = GrowthRule()
        for _ in 0..<looks { rule.saw(computed: computed, slept: slept) }
        return rule
    }

    @Test func `A function of which nothing is known gets a worker for each processor`() {
        #expect(GrowthRule().workers(processors: 2, limit: 500) == 2)
        #expect(GrowthRule().workers(processors: 8, limit: 3) == 3)
        #expect(Self.rule(looks: 100, computed: 0, slept: 0).workers(processors: 2, limit: 500) == 2)
    }

    @Test func `A function that computes never gets more, and a moment of sleep changes nothing`() {
        var rule = Self.rule(looks: 1000, computed: 2, slept: 0)
        #expect(rule.workers(processors: 2, limit: 500) == 2)
        for _ in 0..<1000 {
            rule.saw(computed: 0, slept: 2)
            for _ in 0..<8 { rule.saw(computed: 2, slept: 0) }
            #expect(rule.workers(processors: 2, limit: 500) == 2)
        }
    }

    @Test func `A function that sleeps gets more with each look, up to its limit`() {
        var rule = GrowthRule()
        var last = rule.workers(processors: 2, limit: 500)
        for _ in 0..<50 {
            rule.saw(computed: 0, slept: Int64(last))
            let next = rule.workers(processors: 2, limit: 500)
            #expect(next >= last && next <= 4 * last)
            last = next
        }
        #expect(last == 500)
    }

    @Test func `200 workers that compute for a hundredth of their time all help, even if they wake in bursts`() {
        var rule = Self.rule(looks: 200, computed: 1, slept: 99)
        #expect(rule.workers(processors: 2, limit: 500) == 500)
        rule.saw(computed: 25, slept: 75)
        #expect(rule.workers(processors: 2, limit: 500) >= 150)
    }

    @Test(arguments: [(80, 2, 2), (50, 4, 6), (20, 10, 25), (10, 20, 60)])
    func `As many help as keep the processors busy, and some more where most sleep`(
        percent: Int64, least: Int, most: Int
    ) {
        let rule = Self.rule(looks: 200, computed: percent, slept: 100 - percent)
        let workers = rule.workers(processors: 2, limit: 500)
        #expect(workers >= least && workers <= most, "\(workers)")
    }

    @Test func `A function that slept and now computes soon gets no more than one that always did`() {
        var rule = Self.rule(looks: 200, computed: 0, slept: 200)
        #expect(rule.workers(processors: 2, limit: 500) == 500)
        for _ in 0..<20 { rule.saw(computed: 200, slept: 0) }
        #expect(rule.workers(processors: 2, limit: 500) == 2)
    }
}
