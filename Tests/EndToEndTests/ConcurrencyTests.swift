import FunctionModel
import TestSupport
import Testing

@Suite(.serialized) struct ConcurrencyTests {
    @Test func `Two hundred calls of twenty functions at once are all answered right`() async throws {
        let functions = (0..<20).map { number -> TestFunction in
            number < 10
                ? .js(
                    "f\(number)",
                    "let calls = 0; exports.handler = async event => ({ nonce: event.nonce, function: \(number), "
                        + "calls: ++calls })"
                )
                : .python(
                    "f\(number)",
                    "calls = 0\ndef handler(event):\n  global calls\n  calls += 1\n  return {'nonce': event['nonce'], "
                        + "'function': \(number), 'calls': calls}"
                )
        }
        try await Server.with(functions) { server in
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for call in 0..<200 {
                    group.addTask {
                        let function = call % 20
                        let answer = try await server.http.invoke("f\(function)", #"{"nonce":"n\#(call)"}"#)
                        #expect(answer.status == 200, "\(answer.text)")
                        return try answer.json == [
                            "nonce": .string("n\(call)"), "function": .integer(Int64(function)), "calls": 1,
                        ]
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == 200)
        }
    }
}
