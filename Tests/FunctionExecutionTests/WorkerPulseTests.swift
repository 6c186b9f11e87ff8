import Testing

@testable import FunctionExecution

@Suite struct WorkerPulseTests {
    /// A look 5 ms after the one before.
    private static func look(
        _ pulse: inout WorkerPulse, _ activity: UInt64, time: Int64, number: Int64, children: Bool = false,
        state: WorkerPulse.Finding = .asleep
    ) -> WorkerPulse.Finding {
        pulse.look(activity, time: time, now: number * 5_000_000, hasChildren: children) { state }
        return pulse.finding
    }

    @Test func `A call that is seen twice without having computed is asleep`() {
        var pulse = WorkerPulse()
        #expect(Self.look(&pulse, 1, time: 100_000, number: 1) == .unknown)
        #expect(!pulse.sleeps)
        #expect(Self.look(&pulse, 1, time: 200_000, number: 2) == .asleep)
    }

    @Test func `A call that has used an eighth of a processor is awake, whether it is new or not`() {
        var pulse = WorkerPulse()
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        #expect(Self.look(&pulse, 1, time: 700_000, number: 2) == .awake)
        #expect(Self.look(&pulse, 3, time: 1_400_000, number: 3) == .awake)
        #expect(Self.look(&pulse, 5, time: 1_500_000, number: 4) == .unknown, "a short call of little work")
        #expect(!pulse.sleeps)
    }

    @Test func `One that waits for a processor is awake`() {
        var pulse = WorkerPulse()
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        #expect(Self.look(&pulse, 1, time: 1000, number: 2, state: .awake) == .awake)
        #expect(pulse.isUnchanged(1, time: 1000))
        pulse.lookAgain(now: 15_000_000) { .awake }
        #expect(pulse.finding == .awake)
        pulse.lookAgain(now: 20_000_000) { .asleep }
        #expect(pulse.finding == .asleep)
    }

    @Test func `Time counts as computing or as sleep, and as neither while it waits for a processor`() {
        var pulse = WorkerPulse()
        func times() -> [Int64] {
            let times = pulse.takeTimes()
            return [times.computed, times.slept]
        }
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        #expect(times() == [0, 0])
        _ = Self.look(&pulse, 1, time: 100_000, number: 2)
        #expect(times() == [100_000, 4_900_000])
        pulse.lookAgain(now: 17_000_000) { .awake }
        #expect(times() == [0, 7_000_000])
        // It computes and sleeps in turn.
        pulse.look(1, time: 2_100_000, now: 22_000_000, hasChildren: false) { .asleep }
        #expect(times() == [2_000_000, 3_000_000])
        #expect(pulse.finding == .awake)
        pulse.look(1, time: 4_100_000, now: 27_000_000, hasChildren: false) { .awake }
        #expect(times() == [2_000_000, 0])
        // Short calls.
        pulse.look(9, time: 6_100_000, now: 32_000_000, hasChildren: false) { .asleep }
        #expect(times() == [2_000_000, 0])
        pulse.look(11, time: 6_200_000, now: 37_000_000, hasChildren: false) { .asleep }
        #expect(times() == [0, 0])
    }

    @Test func `One that sleeps for long is looked at less often, until it does something else`() {
        var pulse = WorkerPulse()
        let millisecond: Int64 = 1_000_000
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        _ = Self.look(&pulse, 1, time: 0, number: 2)
        for number in Int64(3)...5 {
            #expect(!pulse.mayRest(1, now: number * 5 * millisecond))
            pulse.lookAgain(now: number * 5 * millisecond) { .asleep }
        }
        pulse.lookAgain(now: 30 * millisecond) { .asleep }
        #expect(pulse.mayRest(1, now: 35 * millisecond) && pulse.mayRest(1, now: 45 * millisecond))
        #expect(!pulse.mayRest(3, now: 35 * millisecond) && !pulse.mayRest(1, now: 49 * millisecond))
        // What it slept in between counts at the next look.
        _ = pulse.takeTimes()
        pulse.lookAgain(now: 50 * millisecond) { .asleep }
        #expect(pulse.takeTimes() == (0, 20 * millisecond))
        _ = Self.look(&pulse, 1, time: 3 * millisecond, number: 11)
        #expect(!pulse.mayRest(1, now: 56 * millisecond))
    }

    @Test func `One that has answered and waits for the host is neither`() {
        var pulse = WorkerPulse()
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        #expect(Self.look(&pulse, 1, time: 1000, number: 2, state: .unknown) == .unknown)
        pulse.lookAgain(now: 15_000_000) { .unknown }
        #expect(pulse.finding == .unknown)
    }

    @Test func `One that used no time since it was seen asleep is not asked for again`() {
        var pulse = WorkerPulse()
        _ = Self.look(&pulse, 1, time: 0, number: 1)
        _ = Self.look(&pulse, 1, time: 1000, number: 2)
        var wasAsked = false
        pulse.lookAgain(now: 15_000_000) {
            wasAsked = true
            return .awake
        }
        #expect(pulse.finding == .asleep && !wasAsked)
    }

    @Test func `One with children, or another call, or more time is not unchanged`() {
        var pulse = WorkerPulse()
        #expect(!pulse.isUnchanged(1, time: 0))
        _ = Self.look(&pulse, 1, time: 5, number: 1)
        #expect(pulse.isUnchanged(1, time: 5) && !pulse.isUnchanged(1, time: 6) && !pulse.isUnchanged(3, time: 5))
        _ = Self.look(&pulse, 1, time: 5, number: 2, children: true)
        #expect(!pulse.isUnchanged(1, time: 5))
    }

    @Test func `One that sleeps most of the time is one that sleeps, also while it wakes up`() {
        var pulse = WorkerPulse()
        for number in Int64(1)...3 { _ = Self.look(&pulse, 1, time: 0, number: number) }
        #expect(!pulse.sleeps, "not from the first look on")
        for number in Int64(4)...10 { _ = Self.look(&pulse, 1, time: 0, number: number) }
        #expect(pulse.sleeps)
        // It answers, and has another call.
        #expect(Self.look(&pulse, 3, time: 700_000, number: 11) == .awake)
        #expect(Self.look(&pulse, 3, time: 800_000, number: 12) == .asleep)
        #expect(pulse.sleeps)
        // It computes.
        for number in Int64(13)...16 {
            _ = Self.look(&pulse, 3, time: number * 5_000_000, number: number, state: .awake)
        }
        #expect(!pulse.sleeps)
    }

    @Test func `One that always waits for a processor does not sleep`() {
        var pulse = WorkerPulse()
        for number in Int64(1)...9 { _ = Self.look(&pulse, 1, time: 0, number: number, state: .awake) }
        #expect(!pulse.sleeps)
    }
}
