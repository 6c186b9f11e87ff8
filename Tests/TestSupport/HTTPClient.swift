import Foundation
import FoundationNetworking

public struct HTTPAnswer: Sendable {
    public let status: Int
    /// The values by lower-case name.
    public let headers: [String: String]
    public let body: Data

    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// A client that sends well-formed requests, over URLSession.
public final class HTTPClient: Sendable {
    private let baseURL: String
    private let session: URLSession

    init(port: Int) {
        baseURL = "http://127.0.0.1:\(port)"
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = 512
        configuration.timeoutIntervalForRequest = 90
        session = URLSession(configuration: configuration)
    }

    func end() { session.invalidateAndCancel() }

    public func send(_ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil) async throws
        -> HTTPAnswer
    {
        guard let url = URL(string: baseURL + path) else { throw TestFailure("\(path) is not a path") }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.httpBody = body
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await session.data(for: request)
        guard let response = response as? HTTPURLResponse else {
            throw TestFailure("\(response) is not an HTTP response")
        }
        var fields: [String: String] = [:]
        for case (let name as String, let value as String) in response.allHeaderFields {
            fields[name.lowercased()] = value
        }
        return HTTPAnswer(status: response.statusCode, headers: fields, body: data)
    }

    public func get(_ path: String) async throws -> HTTPAnswer { try await send("GET", path) }

    public func invoke(_ id: String, _ event: String = "{}", headers: [String: String] = [:]) async throws -> HTTPAnswer
    {
        try await send("POST", "/invoke/\(id)", headers: headers, body: Data(event.utf8))
    }
}
