import FunctionModel
import NIOCore
import Testing

@testable import FunctionExecution

private func makeInvocation(_ id: UInt64, deadline: Int64?) throws -> Invocation {
    let definition = FunctionDefinition(language: .javaScript, sourceCode: "")
    let function = Function(id: try FunctionID("f"), revision: "1", definition: definition)
    return Invocation(
        id: id, function: function, requestID: "r", event: ByteBuffer(), deadline: deadline, timeoutMillis: 1,
        logLimit: 100)
}

@Suite struct DeadlineWheelTests {
    private let width = DeadlineWheel.bucketWidth

    @Test func `What is due is taken out, and nothing else`() throws {
        let wheel = DeadlineWheel()
        let early = try makeInvocation(1, deadline: 10 * width)
        let late = try makeInvocation(2, deadline: 10 * width + 1)
        #expect(wheel.add(early, deadline: 10 * width))
        #expect(!wheel.add(late, deadline: 10 * width + 1))
        #expect(wheel.takeExpired(now: 10 * width - 1).expired.isEmpty)
        #expect(wheel.takeExpired(now: 10 * width).expired.map(\.id) == [1])
        let rest = wheel.takeExpired(now: 20 * width)
        #expect(rest.expired.map(\.id) == [2])
        #expect(rest.isEmpty)
    }

    @Test func `A removed invocation never expires, and removing it twice is harmless`() throws {
        let wheel = DeadlineWheel()
        let invocation = try makeInvocation(1, deadline: 5)
        _ = wheel.add(invocation, deadline: 5)
        wheel.remove(invocation)
        wheel.remove(invocation)
        #expect(wheel.isEmpty)
        #expect(wheel.takeExpired(now: .max).expired.isEmpty)
    }

    @Test func `An invocation without a deadline is not the wheel's affair`() throws {
        let wheel = DeadlineWheel()
        wheel.remove(try makeInvocation(1, deadline: nil))
        #expect(wheel.isEmpty)
    }
}
