import Foundation
import FunctionModel
import TestSupport
import Testing

/// Functions that answer HTTP themselves: `ANY /http/{id}/…`.
@Suite(.serialized) struct HTTPFunctionTests {
    private static let echoes = [
        TestFunction.js("js", "exports.handler = event => ({ statusCode: 200, body: JSON.stringify(event) })")
            .answeringHTTP(),
        .python("py", "import json\ndef handler(event): return {'statusCode': 200, 'body': json.dumps(event)}")
            .answeringHTTP(),
    ]

    @Test func `The event is the request, in the form of Lambda's function URLs`() async throws {
        try await Server.with(Self.echoes) { server in
            for id in ["js", "py"] {
                let request = RawHTTP.request(
                    "PUT", "/http/\(id)/a%20b//c?x=1&y=%26+z&x=2&flag",
                    headers: [
                        "X-One: 1", "x-one: 2", "Cookie: a=1; b=2", "User-Agent: test/1", "X-Request-Id: call-1",
                    ], body: Array("é\n".utf8))
                let answer = try await RawHTTP.exchange(port: server.port, request)
                #expect(answer.status == 200)
                #expect(answer.headers["x-request-id"] == "call-1")
                let event = try answer.json
                #expect(event["version"] == "2.0")
                #expect(event["rawPath"] == "/a%20b//c")
                #expect(event["rawQueryString"] == "x=1&y=%26+z&x=2&flag")
                #expect(event["queryStringParameters"] == ["x": "1,2", "y": "& z", "flag": ""])
                #expect(event["headers"]?["x-one"] == "1,2")
                #expect(event["headers"]?["host"] == "localhost")
                #expect(event["headers"]?["cookie"] == nil)
                #expect(event["cookies"] == ["a=1", "b=2"])
                #expect(event["body"] == "é\n")
                #expect(event["isBase64Encoded"] == false)
                let context = try #require(event["requestContext"])
                #expect(context["requestId"] == "call-1")
                #expect(context["http"]?["method"] == "PUT")
                #expect(context["http"]?["path"] == "/a%20b//c")
                #expect(context["http"]?["protocol"] == "HTTP/1.1")
                #expect(context["http"]?["sourceIp"] == "127.0.0.1")
                #expect(context["http"]?["userAgent"] == "test/1")
                #expect(context["timeEpoch"]?.integerValue ?? 0 > 1_700_000_000_000)
            }
        }
    }

    @Test func `A request without path, query or body has none, and bytes that are no text are base64`() async throws {
        try await Server.with(Self.echoes) { server in
            for path in ["/http/js", "/http/js/"] {
                let event = try await server.http.send("DELETE", path).json
                #expect(event["rawPath"] == "/")
                #expect(event["rawQueryString"] == "")
                #expect(event["body"] == nil && event["queryStringParameters"] == nil && event["cookies"] == nil)
            }
            let event = try await server.http.send("POST", "/http/py/x", body: Data([0xff, 0x00])).json
            #expect(event["body"] == "/wA=")
            #expect(event["isBase64Encoded"] == true)
        }
    }

    @Test func `The result is the answer: status, headers, cookies and bytes`() async throws {
        let function = TestFunction.js(
            "f",
            """
            exports.handler = event => {
              switch (event.rawPath) {
                case '/page': return { statusCode: 404, headers: { 'content-type': 'text/html', 'X-Count': 3, 'X-List': ['a', 'b'] }, body: '<p>no' };
                case '/bytes': return { statusCode: 200, headers: { 'Content-Type': 'image/png', 'Content-Length': 99 }, body: '/wA=', isBase64Encoded: true };
                case '/cookie': return { statusCode: 302, headers: { location: '/' }, cookies: ['a=1'] };
                case '/lenient': return { statusCode: '201', body: '/w\\r\\nA=\\n', isBase64Encoded: true };
                case '/empty': return { statusCode: 204 };
                case '/plain': return { hello: 'world' };
                default: return 'text';
              }
            }
            """
        ).answeringHTTP()
        try await Server.with([function]) { server in
            func get(_ path: String, _ method: String = "GET") async throws -> HTTPAnswer {
                let isBodiless = method == "HEAD" || path == "/empty"
                return try await RawHTTP.exchange(
                    port: server.port, RawHTTP.request(method, "/http/f\(path)"), withoutBody: isBodiless)
            }
            let page = try await get("/page")
            #expect(page.status == 404 && page.text == "<p>no")
            #expect(page.headers["content-type"] == "text/html" && page.headers["x-count"] == "3")
            #expect(page.headers["x-request-id"] != nil && page.headers["date"] != nil)
            let head = try await get("/page", "HEAD")
            #expect(head.status == 404 && head.headers["content-length"] == "5")
            let bytes = try await get("/bytes")
            #expect(bytes.body == Data([0xff, 0]) && bytes.headers["content-length"] == "2")
            let lenient = try await get("/lenient")
            #expect(lenient.status == 201 && lenient.body == Data([0xff, 0]))
            let cookie = try await get("/cookie")
            #expect(cookie.status == 302 && cookie.headers["set-cookie"] == "a=1" && cookie.body.isEmpty)
            let empty = try await get("/empty")
            #expect(empty.status == 204 && empty.headers["content-length"] == nil)
            let plain = try await get("/plain")
            #expect(
                plain.status == 200 && plain.text == #"{"hello":"world"}"#
                    && plain.headers["content-type"] == "application/json")
            try await #expect(get("/").text == #""text""#)
            // A call of the ordinary kind gets the result itself.
            try await #expect(server.http.invoke("f", #"{"rawPath":"/empty"}"#).text == #"{"statusCode":204}"#)
        }
    }

    @Test func `What is no answer is a 502 that says why, and nothing of it is sent`() async throws {
        let function = TestFunction.js("f", "exports.handler = event => JSON.parse(event.body)").answeringHTTP()
        let wrong: [(result: String, reason: String)] = [
            (#"{"statusCode": "OK"}"#, "'statusCode' must be an integer from 200 to 599, not 'OK'"),
            (#"{"statusCode": 101}"#, "'statusCode' must be an integer from 200 to 599, not 101"),
            (
                #"{"statusCode": 200, "body": {"a": 1}}"#,
                "'body' must be text, not an object: encode it as JSON first, or leave out 'statusCode'"
            ),
            (#"{"statusCode": 204, "body": "HTTP/1.1 200 OK"}"#, "a response of status 204 has no body"),
            (#"{"statusCode": 304, "body": "x"}"#, "a response of status 304 has no body"),
            (
                #"{"statusCode": 200, "body": "?", "isBase64Encoded": true}"#,
                "'body' is not base64, although 'isBase64Encoded' is true"
            ),
            (#"{"statusCode": 200, "isBase64Encoded": 1}"#, "'isBase64Encoded' must be true or false, not 1"),
            (#"{"statusCode": 200, "headers": []}"#, "'headers' must be an object, not an array"),
            (
                #"{"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}}"#,
                "the header 'X-A' has a control character in its value"
            ),
            (#"{"statusCode": 200, "headers": {"X-A\r\nX-B": "1"}}"#, "is not a header name"),
            (
                #"{"statusCode": 200, "headers": {"Transfer-Encoding": "chunked"}}"#,
                "the header 'Transfer-Encoding' is the connection's"
            ),
            (
                #"{"statusCode": 200, "headers": {"Connection": "upgrade"}}"#,
                "the header 'Connection' is the connection's"
            ),
            (
                #"{"statusCode": 200, "headers": {"X-A": {}}}"#,
                "the header 'X-A' must be text, a number, or an array of them"
            ),
            (
                #"{"statusCode": 200, "cookies": ["a\r\nb"]}"#,
                "the header 'Set-Cookie' has a control character in its value"
            ),
            (#"{"statusCode": 200, "cookies": "a"}"#, "'cookies' must be an array of texts"),
        ]
        try await Server.with([function]) { server in
            for (result, reason) in wrong {
                let answer = try await RawHTTP.exchange(
                    port: server.port, RawHTTP.request("POST", "/http/f/", body: Array(result.utf8)))
                #expect(answer.status == 502, "\(result): \(answer.text)")
                try #expect(answer.json["errorType"] == "InvalidResponse")
                let message = try answer.json["error"]?.stringValue ?? ""
                #expect(
                    message.hasPrefix("The function's HTTP answer cannot be sent: ") && message.contains(reason),
                    "\(message)")
                #expect(answer.headers["x-b"] == nil)
            }
        }
    }

    @Test func `A function that does not answer HTTP, one that fails, and one that is not there have the usual errors`()
        async throws
    {
        let functions = [
            TestFunction.js("plain", "exports.handler = () => 1"),
            .js("fails", "exports.handler = () => { throw new TypeError('bad') }").answeringHTTP(),
        ]
        try await Server.with(functions) { server in
            let plain = try await server.http.get("/http/plain/")
            #expect(plain.status == 400 && plain.text.contains("does not answer HTTP"), "\(plain.text)")
            let fails = try await server.http.get("/http/fails/")
            #expect(fails.status == 500)
            try #expect(fails.json["errorType"] == "TypeError")
            try await #expect(server.http.get("/http/nobody/x").status == 404)
            try await #expect(server.http.get("/http/").status == 404)
        }
    }
}
