import Access
import FunctionModel
import HTTPTypes
import NIOCore
import NIOHTTP1

/// An error as a client sees it. The control plane and all dialects share this form and this one table of statuses.
package struct ErrorResponse: Sendable {
    package let status: HTTPResponse.Status
    package var statusCode: Int { status.code }
    package let errorType: String
    package let message: String
    package let origin: FunctionErrorOrigin
    package var headers: HTTPFields
    private var stackTrace: [String] = []
    private var showsOrigin = true
    private var line: Int?
    private var column: Int?

    package init(
        status: HTTPResponse.Status, errorType: String, message: String, origin: FunctionErrorOrigin = .host,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.errorType = errorType
        self.message = message
        self.origin = origin
        self.headers = headers
    }

    package init(_ error: any Error) {
        switch error {
        case let error as any FunctionError: self.init(error, status: nil)
        case let error as HTTPParserError: self.init(error)
        case is BodyTooSlow:
            self.init(
                status: .requestTimeout, errorType: "RequestTimeout",
                message: "The body of the request did not arrive in time.")
        // A call is cancelled when its client has disconnected, or when a stopping host's grace period is over.
        case is CancellationError: self.init(ShuttingDown(), status: nil)
        default:
            // The error itself goes to the log: it may contain facts about the host.
            self.init(
                status: .internalServerError, errorType: "InternalError",
                message: "The host failed. See its log for the request id.")
        }
    }

    /// - Parameter status: instead of the table's; nil: the table's.
    package init(_ error: any FunctionError, status: HTTPResponse.Status?) {
        self.init(
            status: status ?? Self.status(of: error), errorType: error.errorType, message: error.message,
            origin: error.origin)
        if let seconds = Self.retryAfterSeconds(error) { headers[.retryAfter] = "\(seconds)" }
        if error is Unauthorized { headers[.wwwAuthenticate] = "Bearer realm=\"faas\"" }
        if let error = error as? HandlerError { stackTrace = error.stackTrace }
        if let error = error as? LoadError {
            stackTrace = error.stackTrace
            line = error.line
            column = error.column
        }
    }

    /// The table: the kind of an error decides, and a few errors have a status of their own.
    private static func status(of error: any FunctionError) -> HTTPResponse.Status {
        switch (error.kind, error) {
        case (_, is FunctionNotFound), (_, is VersionNotFound), (_, is TokenNotFound), (_, is SecretNotFound): .notFound
        case (_, is FunctionExists): .conflict
        case (_, is PreconditionFailed): .preconditionFailed
        case (_, is HostNotAllowed), (_, is OriginNotAllowed), (_, is InsufficientScope): .forbidden
        case (_, is Unauthorized): .unauthorized
        case (_, is QuotaExceeded): .init(code: 507, reasonPhrase: "Insufficient Storage")
        case (_, is PayloadTooLarge): .contentTooLarge
        case (_, is TooManyRequests): .tooManyRequests
        case (_, is InvalidResponse): .badGateway
        case (_, is InvocationTimeout): .gatewayTimeout
        case (.caller, _): .badRequest
        case (.capacity, _): .serviceUnavailable
        case (.function, _), (.host, _): .internalServerError
        }
    }

    /// How long to wait before trying again: long enough for a queue to move on.
    private static func retryAfterSeconds(_ error: any FunctionError) -> Int? {
        if let error = error as? BackedOff { return (error.retryAfterMillis + 999) / 1000 }
        return error.kind.isRetryable ? 1 : nil
    }

    private init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(
                status: .requestHeaderFieldsTooLarge, errorType: "HeadersTooLarge",
                message: "The headers of the request are too large.")
        default:
            self.init(
                status: .badRequest, errorType: "InvalidRequest",
                message: "The request is not HTTP/1.1\(Self.reason(error)).")
        }
    }

    /// The parser's reason as the end of a sentence, except where it speaks of the parser itself.
    private static func reason(_ error: HTTPParserError) -> String {
        let text = error.debugDescription
        return text.contains("parser error") || text.contains("assertion") ? "" : ": \(text)"
    }

    /// The same for a client that may not know what failed in the function. Errors of the caller and refusals for want
    /// of capacity stay, except for what they say of an earlier failure.
    func withoutDetails(of error: any Error) -> ErrorResponse {
        let message: String
        switch (error as? any FunctionError)?.kind {
        case .caller: return self
        case .capacity:
            guard error is BackedOff else { return self }
            message = "The function fails, and is not called for a while. Try again later."
        case .function, .host, nil:
            guard status.kind == .serverError else { return self }
            message = "The function failed. Its log has the reason under the request id."
        }
        var response = ErrorResponse(status: status, errorType: "InternalError", message: message, headers: headers)
        response.showsOrigin = false
        return response
    }

    /// The text for the host's log; nil: it is the caller's error, and the response says it.
    package func logMessage(_ error: any Error) -> String? {
        guard status.kind == .serverError else { return nil }
        return error is CancellationError ? message : "\(error)"
    }

    package func body(requestID: String) -> ByteBuffer {
        var body: [String: JSONValue] = [
            "error": .string(message), "errorType": .string(errorType), "requestId": .string(requestID),
        ]
        if showsOrigin { body["errorOrigin"] = .string(origin.rawValue) }
        if !stackTrace.isEmpty { body["stackTrace"] = .array(stackTrace.map { .string($0) }) }
        if let line { body["line"] = .integer(Int64(line)) }
        if let column { body["column"] = .integer(Int64(column)) }
        return ByteBuffer(bytes: JSONValue.object(body).jsonBytes())
    }
}
