import Access
import FunctionModel
import FunctionService
import HTTPTypes
import Hummingbird
import NIOCore

/// `/tokens`, `/secrets` and `/audit`.
package struct AccessRoutes: Sendable {
    private let access: AccessService
    private let control: AccessControl

    /// - Parameter control: is told of new and revoked tokens at once.
    package init(_ access: AccessService, control: AccessControl) {
        self.access = access
        self.control = control
    }

    /// A request to make a token.
    private static let maximumTokenBytes = 64 << 10

    package var routes: [Route] { tokens + secrets + [audit] }

    private var tokens: [Route] {
        [
            Route(.get, path: "/tokens", scope: .admin) { [access] _, _ in
                Self.response(.ok, .array(try await access.tokens().map { .object($0.summary) }))
            },
            Route(.post, path: "/tokens", scope: .admin) { [access, control] request, context in
                let asked = try await TokenRequest(request, maximumBytes: Self.maximumTokenBytes)
                let (token, secret) = try await access.createToken(
                    name: asked.name, scopes: asked.scopes, lifetimeSeconds: asked.expiresInSeconds,
                    by: context.principal.name)
                control.setTokens(try await access.tokens())
                var body = token.summary
                body["token"] = .string(secret.text)
                var response = Self.response(.created, .object(body))
                response.headers[.location] = "/tokens/\(token.id)"
                return response
            },
            Route(.delete, path: "/tokens/:id", scope: .admin) { [access, control] _, context in
                _ = try await access.revokeToken(try context.parameters.require("id"), by: context.principal.name)
                control.setTokens(try await access.tokens())
                return Response(status: .noContent)
            },
        ]
    }

    private var secrets: [Route] {
        [
            Route(.get, path: "/secrets", scope: .read) { [access] _, _ in
                Self.response(.ok, .array(try await access.secrets().map(\.summary)))
            },
            Route(.put, path: "/secrets/:name", scope: .deploy) { [access] request, context in
                let bytes = try await Self.body(of: request, maximumBytes: AccessService.maximumSecretBytes)
                guard let value = String(validating: bytes.readableBytesView, as: UTF8.self) else {
                    throw InvalidRequest("The value of a secret is UTF-8 text.")
                }
                try await access.setSecret(
                    try context.parameters.require("name"), to: value, by: context.principal.name)
                return Response(status: .noContent)
            },
            Route(.delete, path: "/secrets/:name", scope: .deploy) { [access] _, context in
                try await access.deleteSecret(try context.parameters.require("name"), by: context.principal.name)
                return Response(status: .noContent)
            },
        ]
    }

    private var audit: Route {
        Route(.get, path: "/audit", scope: .admin) { [access] request, _ in
            let text = request.uri.queryParameters["limit"].map(String.init) ?? "100"
            guard let limit = Int(text), (1...1000).contains(limit) else {
                throw InvalidRequest("The parameter 'limit' must be a number from 1 to 1000, not \(quoted(text)).")
            }
            return Self.response(.ok, .array(try await access.auditEntries(limit: limit).map(\.summary)))
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ value: JSONValue) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.jsonBytes())))
    }

    fileprivate static func body(of request: Request, maximumBytes: Int) async throws -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: maximumBytes)
        } catch is NIOTooManyBytesError {
            throw PayloadTooLarge(limit: maximumBytes)
        }
    }
}

/// `{"name": "ci", "scopes": ["deploy"], "expiresInSeconds": 3600}`.
private struct TokenRequest {
    let name: String
    let scopes: [Scope]
    let expiresInSeconds: Int64?

    init(_ request: Request, maximumBytes: Int) async throws {
        let bytes = try await AccessRoutes.body(of: request, maximumBytes: maximumBytes)
        let json: JSONValue
        do {
            json = try JSONValue(json: bytes.readableBytesView)
        } catch {
            throw InvalidRequest("The body is not JSON: \(error)")
        }
        guard case .object(let members) = json else { throw InvalidRequest("The body must be a JSON object.") }
        if let unknown = members.keys.sorted().first(where: { !["name", "scopes", "expiresInSeconds"].contains($0) }) {
            throw InvalidRequest(
                "Unknown field \(quoted(unknown)): a token has 'name', 'scopes' and 'expiresInSeconds'.")
        }
        guard let name = json["name"]?.stringValue else { throw InvalidRequest("The field 'name' must be text.") }
        guard case .array(let texts)? = json["scopes"] else {
            throw InvalidRequest("The field 'scopes' must be an array of texts.")
        }
        self.name = name
        scopes = try texts.map { text in
            guard let text = text.stringValue else {
                throw InvalidRequest("The field 'scopes' must be an array of texts.")
            }
            return try Scope(text)
        }
        let lifetime = json["expiresInSeconds"] ?? .null
        guard lifetime == .null || lifetime.integerValue != nil else {
            throw InvalidRequest("The field 'expiresInSeconds' must be an integer.")
        }
        expiresInSeconds = lifetime.integerValue
    }
}
