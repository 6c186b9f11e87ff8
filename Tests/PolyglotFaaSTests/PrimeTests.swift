import FunctionModel
import PolyglotFaaS
import Testing

/// `prime`: events that the handler is called with before anybody asks.
@Suite struct PrimeTests {
    private static let counters = [
        ("js", "let calls = []; function handler(event) { calls.push(event); return calls }"),
        ("python", "calls = []\ndef handler(event):\n    calls.append(event)\n    return calls"),
    ]

    private func request(
        _ language: String, _ source: String, _ event: JSONValue = [:], prime: [JSONValue],
        _ isolation: Isolation = .invocation
    )
        -> InvocationRequest
    {
        var request = InvocationRequest(languageID: language, sourceCode: source, event: event, isolation: isolation)
        request.prime = prime
        return request
    }

    @Test(arguments: counters, [Isolation.invocation, .process])
    func `Every call starts from the state that the events have left, before the snapshot and after it`(
        function: (language: String, source: String), isolation: Isolation
    ) async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for number in 0..<8 {
                let request = request(
                    function.language, function.source, .integer(Int64(number)), prime: [["a": "é"], nil, 2.5],
                    isolation)
                let value = try await runtime.value(request)
                #expect(value == [["a": "é"], nil, 2.5, .integer(Int64(number))])
            }
            #expect(runtime.workerCount == 1)
        }
    }

    @Test(arguments: counters)
    func `Where state is kept, the events come first`(function: (language: String, source: String)) async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            let request = request(function.language, function.source, 1, prime: [0], .instance)
            let values = [try await runtime.value(request), try await runtime.value(request)]
            #expect(values == [[0, 1], [0, 1, 1]])
        }
    }

    @Test(arguments: [
        (
            "js",
            "async function handler(event) { await null; if (event.bad) throw new TypeError('no ' + event.bad); return "
                + "1 }"
        ),
        (
            "python",
            "async def handler(event):\n    if 'bad' in event:\n        raise TypeError('no ' + event['bad'])\n    "
                + "return 1"
        ),
    ])
    func `An event that the handler fails with is named, and why`(function: (language: String, source: String))
        async throws
    {
        try await withRuntime { runtime in
            for isolation in Isolation.allCases {
                let request = request(function.language, function.source, prime: [[:], ["bad": "luck"]], isolation)
                let error = await #expect(throws: LoadError.self) { try await runtime.invoke(request) }
                #expect(
                    error?.message.hasPrefix("The source does not load: TypeError: no luck (with event 2 of 'prime')")
                        == true,
                    "\(error?.message ?? "")")
                #expect(error?.stackTrace.isEmpty == false)
            }
            let value = try await runtime.value(request(function.language, function.source, prime: [[:]]))
            #expect(value == 1)
        }
    }

    @Test func `A promise that never settles and a result without a JSON form are failures too`() async throws {
        try await withRuntime { runtime in
            var error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(request("js", "handler = () => new Promise(() => {})", prime: [1]))
            }
            #expect(
                error?.message
                    == "The source does not load: The handler's promise never settles (with event 1 of 'prime').")
            error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(request("js", "handler = () => { const a = {}; return a.a = a }", prime: [1]))
            }
            #expect(error?.message.contains("(with event 1 of 'prime')") == true)
            error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(request("python", "def handler(event): return handler", prime: [1]))
            }
            #expect(error?.message.contains("(with event 1 of 'prime')") == true)
        }
    }

    @Test func `An event that takes longer than a load may is ended`() async throws {
        try await withRuntime {
            $0.loadTimeoutMillis = 300
        } _: { runtime in
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(request("js", "function handler(event) { for (;;); }", prime: [1]))
            }
            #expect(error?.message.contains("did not load within 300ms") == true)
        }
    }

    @Test(arguments: [
        ("js", "const ids = []; function handler(event, context) { ids.push(context.requestId); return ids[0] }"),
        ("python", "ids = []\ndef handler(event, context):\n    ids.append(context.request_id)\n    return ids[0]"),
    ])
    func `Such a call is named 'prime' in its context`(function: (language: String, source: String)) async throws {
        try await withRuntime { runtime in
            let id = try await runtime.value(request(function.language, function.source, prime: [1]))
            #expect(id == "prime")
        }
    }

    @Test func `A thread that the handler leaves behind is named where it cannot be kept`() async throws {
        let source =
            "import threading, time\ndef handler(event):\n    threading.Thread(target=time.sleep, args=(9,), "
            + "daemon=True).start()"
        try await withRuntime { runtime in
            var request = request("python", source, prime: [1])
            _ = try await runtime.invoke(request)
            request.isolation = .process
            let refused = request
            let error = await #expect(throws: LoadError.self) {
                try await runtime.invoke(refused)
            }
            #expect(error?.message.contains("'prime'") == true)
        }
    }

    @Test(arguments: [
        ("js", "function handler(event) { console.log('called ' + event); return Math.random() }"),
        ("python", "import random\ndef handler(event):\n    print(f'called {event}')\n    return random.random()"),
    ])
    func `What these calls log comes with the first call of a worker; random numbers differ all the same`(
        function: (language: String, source: String)
    ) async throws {
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            var results: [InvocationResult] = []
            for number in 1...8 {
                results.append(
                    try await runtime.invoke(
                        request(function.language, function.source, .integer(Int64(number)), prime: [0])))
            }
            #expect(results.first?.logs.map(\.text) == ["called 0", "called 1"])
            #expect(results.last?.logs.map(\.text) == ["called 8"])
            #expect(Set(results.map(\.json)).count == 8)
        }
    }
}
