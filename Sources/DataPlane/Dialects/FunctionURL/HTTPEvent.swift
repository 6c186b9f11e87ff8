import Access
import Foundation
import FunctionModel
import NIOCore
import NIOHTTP1

/// An HTTP request as the event of a function that answers HTTP: the form of AWS Lambda's function URLs, payload
/// version 2.0.
struct HTTPEvent {
    private let request: DialectRequest
    private let method: String
    /// The part of the path behind `/http/{id}`, as it was sent; `/` if there is none.
    private let path: String
    private let query: String
    private let version: String
    private let headers: HTTPHeaders

    init(_ request: DialectRequest) {
        self.request = request
        let head = request.head
        method = head.method.rawValue
        path = request.rest.isEmpty ? "/" : String(request.rest)
        query = head.uri.firstIndex(of: "?").map { String(head.uri[head.uri.index(after: $0)...]) } ?? ""
        version = "\(head.version)"
        headers = head.headers
    }

    func event(body: ByteBuffer) -> ByteBuffer {
        let now = Date()
        let agent = headers.first(name: "User-Agent") ?? ""
        let host = headers.first(name: "Host") ?? ""
        var event: [String: JSONValue] = [
            "version": "2.0", "routeKey": "$default", "rawPath": .string(path), "rawQueryString": .string(query),
            "headers": .object(joinedHeaders.mapValues { .string($0) }),
            "requestContext": [
                "accountId": "anonymous", "apiId": .string(request.function.text), "domainName": .string(host),
                "domainPrefix": .string(host.split(separator: ".").first.map(String.init) ?? ""),
                "requestId": .string(request.requestID),
                "routeKey": "$default", "stage": "$default",
                "time": .string(HTTPDate.logText(time_t(now.timeIntervalSince1970))),
                "timeEpoch": .integer(Int64(now.timeIntervalSince1970 * 1000)),
                "http": [
                    "method": .string(method), "path": .string(path), "protocol": .string(version),
                    "sourceIp": .string(request.clientAddress),
                    "userAgent": .string(agent),
                ],
            ],
        ]
        let cookies = headers["Cookie"].flatMap { $0.split(separator: ";") }.map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        if !cookies.isEmpty { event["cookies"] = .array(cookies.map { .string($0) }) }
        if !query.isEmpty { event["queryStringParameters"] = .object(queryParameters.mapValues { .string($0) }) }
        let text = String(validating: body.readableBytesView, as: UTF8.self)
        if body.readableBytes > 0 {
            event["body"] = .string(text ?? Data(body.readableBytesView).base64EncodedString())
        }
        event["isBase64Encoded"] = .bool(text == nil)
        return ByteBuffer(bytes: JSONValue.object(event).jsonBytes())
    }

    /// Values by lower-case name; several values of one name are joined by commas. Cookies have a member of their own.
    private var joinedHeaders: [String: String] {
        var joined: [String: String] = [:]
        for (name, value) in headers where name.lowercased() != "cookie" {
            let name = name.lowercased()
            // The function could use the token: its author may not be the one that the token was made for.
            if name == "authorization", Gate.isToken(value) { continue }
            // Anyone may write these, and the function would take them for the host's.
            if !request.isFromProxy, Self.saysWhoTheClientIs(name) { continue }
            // In place: with many values of one name, copies would take long.
            if joined[name]?.append(",\(value)") == nil { joined[name] = value }
        }
        return joined
    }

    private static func saysWhoTheClientIs(_ name: String) -> Bool {
        name == "forwarded" || name.hasPrefix("x-forwarded-") || name == "x-real-ip"
    }

    /// Decoded values by name; several values of one name are joined by commas.
    private var queryParameters: [String: String] {
        var parameters: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decoded)
            let value = parts.count > 1 ? parts[1] : ""
            if parameters[parts[0]]?.append(",\(value)") == nil { parameters[parts[0]] = value }
        }
        return parameters
    }

    /// Text that is not percent-encoded correctly stays as it was sent.
    private static func decoded(_ text: Substring) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        return spaced.removingPercentEncoding ?? spaced
    }
}
