import Access
import FunctionModel
import Testing

@Suite struct GateTests {
    private func decide(_ method: String, _ target: String) -> String {
        switch Gate().decide(RequestFacts(method: method, target: target)) {
        case .call(let call): "\(call.dialect) \(call.function) '\(call.rest)'"
        case .route: "route"
        case .refuse(let dialect, let error): "refuse \(dialect) \(error.errorType)"
        }
    }

    @Test(arguments: [
        ("/invoke/hello", "invoke hello ''"),
        ("/invoke/hello?a=b/c", "invoke hello ''"),
        ("//invoke//hello//", "invoke hello '//'"),
        ("/invoke/a.b_c-1", "invoke a.b_c-1 ''"),
        ("/invoke/%68ello", "invoke hello ''"),
        ("http://host/invoke/hello", "invoke hello ''"),
        ("https://host:8080/invoke/hello?x", "invoke hello ''"),
        ("http://host:8080?x=/invoke/hello", "route"),
        ("http://host", "route"),
        ("/invoke", "route"), ("/invoke/", "route"), ("/invoke?id=hello", "route"),
        ("/invoke/hello/more", "route"), ("/INVOKE/hello", "route"), ("/invoked/hello", "route"),
        ("/health", "route"), ("/", "route"), ("", "route"), ("*", "route"), ("host:443", "route"),
        ("/invoke/%2e%2e", "refuse invoke InvalidRequest"), ("/invoke/..", "refuse invoke InvalidRequest"),
        ("/invoke/.", "refuse invoke InvalidRequest"), ("/invoke/a%2Fb", "refuse invoke InvalidRequest"),
        ("/invoke/a%00b", "refuse invoke InvalidRequest"), ("/invoke/%", "refuse invoke InvalidRequest"),
        ("/invoke/%zz", "refuse invoke InvalidRequest"), ("/invoke/%ff", "refuse invoke InvalidRequest"),
        ("/invoke/a%20b", "refuse invoke InvalidRequest"), ("/./invoke/hello", "route"),
        ("/invoke/../http/hello", "route"),
    ])
    func `A POST is a call, a route or a refusal by its path`(target: String, decision: String) {
        #expect(decide("POST", target) == decision)
    }

    @Test(arguments: ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "post"])
    func `Only POST calls by invoke`(method: String) {
        #expect(decide(method, "/invoke/hello") == "route")
        #expect(decide(method, "/invoke/%") == "route")
    }

    @Test(arguments: [
        ("/http/site", "functionURL site ''"), ("/http/site/", "functionURL site '/'"),
        ("/http/site/a/b?c=/d", "functionURL site '/a/b'"), ("/http/site//a//b/", "functionURL site '//a//b/'"),
        ("//http///site/a", "functionURL site '/a'"), ("/http/site/%2e%2e/a", "functionURL site '/%2e%2e/a'"),
        ("/http/site/../a", "functionURL site '/../a'"), ("/http/s%69te/x", "functionURL site '/x'"),
        ("http://host/http/site/a?b", "functionURL site '/a'"), ("/http", "route"), ("/http/", "route"),
        ("/http?site", "route"), ("/http/%", "refuse functionURL InvalidRequest"),
        ("/http/../x", "refuse functionURL InvalidRequest"),
    ])
    func `Every method calls a function by http, with the rest of the path as it was sent`(
        target: String, decision: String
    ) {
        for method in ["GET", "POST", "PATCH", "HEAD", "OPTIONS"] { #expect(decide(method, target) == decision) }
    }

    @Test func `CONNECT names a host, and that is no call`() {
        #expect(decide("CONNECT", "example.org:443") == "route")
        #expect(decide("CONNECT", "http:443") == "route")
    }
}
