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
        case let error as any FunctionError: self.init(error)
        case let error as HTTPParserError: self.init(error)
        case is BodyTooSlow:
            self.init(
                status: .requestTimeout, errorType: "RequestTimeout",
                message: "The body of the request did not arrive in time.")
        // A call is cancelled when its client has disconnected, or when a stopping host's grace period is over.
        case is CancellationError: self.init(ShuttingDown())
        default:
            // The error itself goes to the log: it may contain facts about the host.
            self.init(
                status: .internalServerError, errorType: "InternalError",
                message: "The host failed. See its log for the request id.")
        }
    }

    private init(_ error: any FunctionError) {
        self.init(
            status: Self.status(of: error), errorType: error.errorType, message: error.message, origin: error.origin)
        if let seconds = Self.retryAfterSeconds(error) { headers[.retryAfter] = "\(seconds)" }
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
        case (_, is FunctionNotFound): .notFound
        case (_, is HostNotAllowed), (_, is OriginNotAllowed): .forbidden
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

    /// The text for the host's log; nil: it is the caller's error, and the response says it.
    package func logMessage(_ error: any Error) -> String? {
        guard status.kind == .serverError else { return nil }
        return error is CancellationError ? message : "\(error)"
    }

    package func body(requestID: String) -> ByteBuffer {
        var body: [String: JSONValue] = [
            "error": .string(message), "errorType": .string(errorType), "errorOrigin": .string(origin.rawValue),
            "requestId": .string(requestID),
        ]
        if !stackTrace.isEmpty { body["stackTrace"] = .array(stackTrace.map { .string($0) }) }
        if let line { body["line"] = .integer(Int64(line)) }
        if let column { body["column"] = .integer(Int64(column)) }
        return ByteBuffer(bytes: JSONValue.object(body).jsonBytes())
    }
}
