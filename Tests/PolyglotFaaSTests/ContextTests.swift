import Foundation
import FunctionModel
import PolyglotFaaS
import Testing

/// What a handler is told about its call and itself, in both languages.
@Suite struct ContextTests {
    private static let memberLists: [InvocationRequest] = [
        .js(
            """
            exports.handler = (event, context) => [
              context.awsRequestId, context.requestId, context.functionName, context.functionId, context.functionVersion, context.revision,
              context.logStreamName, context.memoryLimitInMB, context.invokedFunctionArn, context.logGroupName, context.env,
              context.deadlineMs - Date.now(), context.getRemainingTimeInMillis()]
            """),
        .python(
            """
            import time
            def handler(event, context):
              return [
                context.aws_request_id, context.request_id, context.function_name, context.function_id, context.function_version,
                context.revision, context.log_stream_name, context.memory_limit_in_mb, context.invoked_function_arn,
                context.log_group_name, context.env, int(context.deadline_ms - time.time() * 1000), context.get_remaining_time_in_millis()]
            """),
    ]

    @Test(arguments: memberLists)
    func `The context has AWS Lambda's members and our own`(request: InvocationRequest) async throws {
        try await withRuntime { runtime in
            var request = request
            request.requestID = "call-1"
            request.timeoutMillis = 60_000
            request.environment = ["GREETING": "Hello"]
            // From the rehearsals to the snapshot.
            for _ in 0..<5 {
                let value = try await runtime.value(request)
                let members = (0..<13).compactMap { value[$0] }
                let expected: [JSONValue] = [
                    "call-1", "call-1", "inline", "inline", "inline", "inline", "inline", "128",
                    "arn:aws:lambda:local:000000000000:function:inline", "/aws/lambda/inline", ["GREETING": "Hello"],
                ]
                #expect(Array(members.prefix(11)) == expected)
                for remaining in members.suffix(2) {
                    let milliseconds = try #require(remaining.integerValue)
                    #expect(milliseconds > 30_000 && milliseconds <= 60_001)
                }
            }
        }
    }

    @Test(arguments: [
        InvocationRequest.js(
            "exports.handler = (event, context) => [context.deadlineMs, context.getRemainingTimeInMillis()]"),
        .python("def handler(event, context): return [context.deadline_ms, context.get_remaining_time_in_millis()]"),
    ])
    func `Without a time limit there is no deadline`(request: InvocationRequest) async throws {
        try await withRuntime { runtime in try await #expect(runtime.value(request) == [nil, 9_007_199_254_740_991]) }
    }

    @Test func `Python's context logs, and has what Lambda has for callers without an identity`() async throws {
        try await withRuntime { runtime in
            let source = """
                def handler(event, context):
                  context.log("one\\ntwo")
                  return [context.client_context, context.tenant_id, context.identity.cognito_identity_id, repr(context)]
                """
            var request = InvocationRequest.python(source)
            request.requestID = "r"
            let result = try await runtime.invoke(request)
            #expect(
                try result.value == [nil, nil, nil, "Context(request_id='r', function_id='inline', revision='inline')"])
            #expect(result.logs.map(\.text) == ["one", "two"])
        }
    }

    @Test(arguments: [
        InvocationRequest.js(
            """
            const atLoad = { ...process.env };
            exports.handler = (event, context) => {
              const seen = { ...process.env };
              process.env.GREETING = 'changed'; process.env.NEW = '1'; delete process.env.EMPTY;
              return [atLoad, seen];
            };
            """),
        .python(
            """
            import os
            at_load = dict(os.environ)
            def handler(event, context):
              seen = dict(os.environ)
              os.environ["GREETING"] = "changed"; os.environ["NEW"] = "1"; os.environ.pop("EMPTY", None); context.env["NEW"] = "1"
              return [at_load, seen]
            """),
    ])
    func `The environment is the manifest's, all of it, and as new for each call`(request: InvocationRequest)
        async throws
    {
        try await withRuntime { runtime in
            for isolation in [Isolation.invocation, .process] {
                var request = request
                request.isolation = isolation
                request.environment = ["GREETING": "Hällo = 'x'", "EMPTY": ""]
                let expected = JSONValue.object(request.environment.mapValues { .string($0) })
                for _ in 0..<5 { try await #expect(runtime.value(request) == .array([expected, expected])) }
                request.environment = [:]
                try await #expect(runtime.value(request) == [[:], [:]])
            }
        }
    }

    @Test func `A Python function's time zone is the one that its environment names`() async throws {
        try await withRuntime { runtime in
            var request = InvocationRequest.python(
                "import time\ndef handler(event): return [time.tzname[0], time.localtime(0).tm_hour]")
            request.environment = ["TZ": "Asia/Tokyo"]
            try await #expect(runtime.value(request) == ["JST", 9])
        }
    }
}
