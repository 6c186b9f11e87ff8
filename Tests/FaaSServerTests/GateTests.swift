import Access
import FunctionModel
import Testing

@Suite struct GateTests {
    private func decide(_ method: String, _ target: String) -> String {
        switch Gate().decide(RequestFacts(method: method, target: target)) {
        case .call(let call): "\(call.dialect) \(call.reference) '\(call.rest)'"
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
        ("/invoke/hello@3", "invoke hello@3 ''"), ("/invoke/hello%40live", "invoke hello@live ''"),
        ("/invoke/hello@", "refuse invoke InvalidRequest"), ("/invoke/hello@0", "refuse invoke InvalidRequest"),
        ("/invoke/@3", "refuse invoke InvalidRequest"), ("/invoke/hello@a@b", "refuse invoke InvalidRequest"),
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

    // MARK: Host

    private static let loopback = Gate(
        hosts: HostRule(allowedHosts: ["faas.example", "2001:db8::1"], listensOnLoopback: true))

    private func decide(
        _ gate: Gate, _ method: String = "POST", _ target: String = "/invoke/hello", host: String?,
        origin: String? = nil
    ) -> String {
        switch gate.decide(RequestFacts(method: method, target: target, host: host, origin: origin)) {
        case .call(let call):
            "\(call.isPreflight ? "preflight" : "call")\(call.foreignOrigin.map { " from \($0)" } ?? "")"
        case .route: "route"
        case .refuse(_, let error): error.errorType
        }
    }

    @Test(arguments: [
        "localhost", "LocalHost", "localhost.", "localhost:8080", "localhost.:8080", "localhost:", "127.0.0.1",
        "127.0.0.1:80", "127.255.0.19", "[::1]", "[::1]:8080", "faas.example", "FAAS.example.:443", "[2001:db8::1]:1",
    ])
    func `On loopback the names of loopback and the allowed ones are the server's`(host: String) {
        #expect(decide(Self.loopback, host: host) == "call")
        #expect(decide(Self.loopback, "GET", "/", host: host) == "route")
        #expect(
            decide(
                Gate(hosts: HostRule(allowedHosts: ["faas.example", "[2001:DB8::1]"], listensOnLoopback: false)),
                host: host) == "call")
    }

    @Test(arguments: [
        "", ".", ":80", "evil.example", "localhost.evil.example", "evil-localhost", "localhost..",
        "127.0.0.1.evil.example",
        "127.0.0.1.", "127.0.0", "127.1", "127.0.0.256", "127.0.0.01", "128.0.0.1", "0.0.0.0", "127..0.1", "2130706433",
        "::1", "[::1", "[::1]x", "[::2]", "localhost:x", "localhost:80:80", "user@localhost", "localhost@evil.example",
        "localhost:@evil.example", "localhost/", "localhost\u{0}", "local\u{130}host", "app.faas.example",
        "xfaas.example",
    ])
    func `On loopback no other name is, for calls and routes alike`(host: String) {
        // A dot after an address is the same address.
        let expected = host == "127.0.0.1." ? "call" : "HostNotAllowed"
        #expect(decide(Self.loopback, host: host) == expected)
        for (method, target) in [
            ("POST", "/invoke/%"), ("GET", "/http/hello/"), ("OPTIONS", "/invoke/hello"), ("GET", "/"),
            ("GET", "/health?verbose"), ("POST", "/health"), ("OPTIONS", "*"),
        ] where expected != "call" {
            #expect(decide(Self.loopback, method, target, host: host) == expected)
        }
    }

    @Test func `On other addresses the name is checked only if names are allowed`() {
        let open = Gate(hosts: HostRule(allowedHosts: [], listensOnLoopback: false))
        #expect(decide(open, host: "evil.example") == "call")
        let named = Gate(hosts: HostRule(allowedHosts: ["faas.example"], listensOnLoopback: false))
        #expect(decide(named, host: "evil.example") == "HostNotAllowed")
        #expect(decide(named, host: "localhost") == "call")
    }

    @Test func `Health takes every host, and its report does not`() {
        for method in ["GET", "HEAD"] {
            for target in ["/health", "//health/", "http://evil.example/health"] {
                #expect(decide(Self.loopback, method, target, host: "evil.example", origin: "null") == "route")
            }
            #expect(decide(Self.loopback, method, "/health/x", host: "evil.example") == "HostNotAllowed")
        }
    }

    @Test func `The authority of a whole URI counts instead of the header`() {
        #expect(decide(Self.loopback, "POST", "http://localhost:1/invoke/hello", host: "evil.example") == "call")
        for target in [
            "http://evil.example/invoke/hello", "http://localhost@evil.example/invoke/hello", "http:///invoke/hello",
            "http://evil.example", "http://evil.example?/localhost",
        ] {
            #expect(decide(Self.loopback, "POST", target, host: "localhost") == "HostNotAllowed")
        }
        #expect(
            decide(
                Self.loopback, "POST", "http://localhost:1/invoke/hello", host: "evil.example",
                origin: "http://localhost:1") == "call")
        #expect(
            decide(
                Self.loopback, "POST", "http://localhost:1/invoke/hello", host: "localhost:2",
                origin: "http://localhost:2") == "call from http://localhost:2")
    }

    @Test func `HTTP 1.0 has no Host`() { #expect(decide(Self.loopback, host: nil) == "call") }

    @Test func `Allowed names are names without a port`() {
        for (text, name) in [
            ("A.Example.", "a.example"), ("::1", "[::1]"), ("[FE80::1]", "[fe80::1]"), ("10.0.0.1", "10.0.0.1"),
        ] {
            #expect(HostRule.name(text) == name)
        }
        for text in ["", ".", "a:80", "a/b", "a b", "http://a", "*", "[::1]:80", "a@b", "ä.example"] {
            #expect(HostRule.name(text) == nil)
        }
    }

    @Test func `Loopback addresses are known as such`() {
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            #expect(HostRule.isLoopback(address: address))
        }
        for address in ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1", ""] {
            #expect(!HostRule.isLoopback(address: address))
        }
    }

    // MARK: Origin

    @Test(arguments: [
        ("http://localhost:8080", "localhost:8080", true), ("http://LOCALHOST:8080", "localhost:8080", true),
        ("https://app.example", "app.example:443", true), ("http://app.example:80", "app.example", true),
        ("http://[::1]:1", "[::1]:1", true), ("https://app.example", "app.example:80", false),
        ("http://localhost:8081", "localhost:8080", false), ("http://evil.example", "localhost", false),
        ("null", "localhost", false), ("", "localhost", false), ("localhost", "localhost", false),
        ("http://", "", false), ("://localhost", "localhost", false),
        ("http://localhost.evil.example", "localhost", false),
        ("http://localhost, http://evil.example", "localhost", false), ("http://localhost/", "localhost", false),
    ])
    func `A page is the server's own if its host and port are those of the request`(
        origin: String, host: String, isOwn: Bool
    ) {
        let open = Gate()
        #expect(decide(open, host: host, origin: origin) == (isOwn ? "call" : "call from \(origin)"))
        #expect(decide(open, "GET", "/", host: host, origin: origin) == (isOwn ? "route" : "OriginNotAllowed"))
        #expect(
            decide(open, "POST", "/invoke/%", host: host, origin: origin)
                == (isOwn ? "InvalidRequest" : "OriginNotAllowed"))
    }

    @Test
    func `A page of another origin asks before it calls by invoke, and functions that answer HTTP say it themselves`() {
        #expect(decide(Gate(), "OPTIONS", host: "a", origin: "http://b") == "preflight from http://b")
        #expect(decide(Gate(), "OPTIONS", host: "a", origin: "http://a") == "route")
        #expect(decide(Gate(), "OPTIONS", "/http/hello", host: "a", origin: "http://b") == "call from http://b")
    }

    @Test func `A function names the origins that may call it`() throws {
        func answer(_ origins: [String], _ origin: String) throws -> String {
            let definition = FunctionDefinition(
                language: try Language(id: "js"), sourceCode: "", cors: CORS(allowOrigins: origins))
            return try Gate.allowedOrigin(
                origin, for: Function(id: FunctionID("a"), revision: "1", definition: definition))
        }
        #expect(try answer(["https://app.example"], "https://app.example") == "https://app.example")
        #expect(try answer(["https://b.example", "*"], "null") == "*")
        for origin in ["https://app.example.evil", "http://app.example", "https://app.example:1", "null", "*"] {
            #expect(throws: OriginNotAllowed.self) { try answer(["https://app.example"], origin) }
        }
        #expect(throws: OriginNotAllowed.self) { try answer([], "https://app.example") }
    }

    @Test func `A refusal shows a hostile value shortened and escaped`() {
        let long = String(repeating: "x", count: 100_000) + "\u{1b}"
        #expect(HostNotAllowed(host: "\u{1b}[31m" + long).message.utf8.count < 300)
        #expect(!HostNotAllowed(host: "\u{1b}[31m").message.utf8.contains(0x1b))
        #expect(OriginNotAllowed(origin: long).message.utf8.count < 300)
    }
}
