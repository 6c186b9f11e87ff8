import Testing

@testable import FunctionExecution

@Suite struct GrowthRuleTests {
    /// A rule that has seen the same at so many looks.
    private static func rule(looks: Int, asleep: Int, awake: Int) -> GrowthRule {
        var rule = GrowthRule()
        for _ in 0..<looks { rule.saw(asleep: asleep, awake: awake) }
        return rule
    }

    @Test func `A function of which nothing is known gets a worker for each processor`() {
        #expect(GrowthRule().workers(processors: 2, limit: 500) == 2)
        #expect(GrowthRule().workers(processors: 8, limit: 3) == 3)
        #expect(Self.rule(looks: 100, asleep: 0, awake: 0).workers(processors: 2, limit: 500) == 2)
    }

    @Test func `A function that computes never gets more, and a moment of sleep changes nothing`() {
        var rule = Self.rule(looks: 1000, asleep: 0, awake: 2)
        #expect(rule.workers(processors: 2, limit: 500) == 2)
        for _ in 0..<1000 {
            rule.saw(asleep: 2, awake: 0)
            for _ in 0..<8 { rule.saw(asleep: 0, awake: 2) }
            #expect(rule.workers(processors: 2, limit: 500) == 2)
        }
    }

    @Test func `A function that sleeps gets more with each look, up to its limit`() {
        var rule = GrowthRule()
        var last = rule.workers(processors: 2, limit: 500)
        for _ in 0..<50 {
            rule.saw(asleep: last, awake: 0)
            let next = rule.workers(processors: 2, limit: 500)
            #expect(next >= last && next <= 4 * last)
            last = next
        }
        #expect(last == 500)
    }

    @Test func `200 workers that compute for a hundredth of their time all help, even if they wake in bursts`() {
        var rule = Self.rule(looks: 200, asleep: 198, awake: 2)
        #expect(rule.workers(processors: 2, limit: 500) >= 200)
        rule.saw(asleep: 150, awake: 50)
        #expect(rule.workers(processors: 2, limit: 500) >= 150)
    }

    @Test func `Workers that wait for a processor count as awake, so a function stops growing when all are busy`() {
        // Half of the time of each is computing, and twelve of them keep two processors busy.
        let rule = Self.rule(looks: 200, asleep: 2, awake: 10)
        #expect(rule.workers(processors: 2, limit: 500) == 2)
        let half = Self.rule(looks: 200, asleep: 2, awake: 2).workers(processors: 2, limit: 500)
        #expect(half >= 4 && half <= 10)
    }

    @Test func `A function that slept and now computes soon gets no more than one that always did`() {
        var rule = Self.rule(looks: 200, asleep: 200, awake: 0)
        #expect(rule.workers(processors: 2, limit: 500) == 500)
        for _ in 0..<20 { rule.saw(asleep: 0, awake: 200) }
        #expect(rule.workers(processors: 2, limit: 500) == 2)
    }
}
