import FunctionModel
import FunctionStorage
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// The one table from what went wrong to what the caller sees.
package struct ErrorResponse {
    let status: HTTPResponse.Status
    let errorType: String
    let message: String
    var stackTrace: [String] = []
    var line: Int?
    var column: Int?
    var headers: HTTPFields = [:]

    /// How long to wait before trying again, in seconds: long enough for a queue to move on.
    private static let retryAfter: HTTPFields = [.retryAfter: "1"]

    package init(_ error: any Error) {
        switch error {
        case let error as any FunctionError: self.init(error)
        case let error as HTTPError: self.init(error)
        case let error as HTTPParserError: self.init(error)
        case is BodyTooSlow:
            self.init(
                status: .requestTimeout, errorType: "RequestTimeout",
                message: "The body of the request did not arrive in time.")
        case is NIOTooManyBytesError:
            self.init(PayloadTooLarge(limit: 0))
        case is CancellationError:
            self.init(ShuttingDown())
        default:
            // What it is goes to the log; it may say things about the host.
            self.init(
                status: .internalServerError, errorType: "InternalError",
                message: "The host failed. See its log for the request id.")
        }
    }

    private init(
        status: HTTPResponse.Status, errorType: String, message: String, stackTrace: [String] = [],
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.errorType = errorType
        self.message = message
        self.stackTrace = stackTrace
        self.headers = headers
    }

    private init(_ error: any FunctionError) {
        let (status, headers): (HTTPResponse.Status, HTTPFields) =
            switch error {
            case is InvalidEvent, is InvalidRequest, is InvalidManifest, is UnsupportedLanguage: (.badRequest, [:])
            case is FunctionNotFound: (.notFound, [:])
            case is PayloadTooLarge: (.contentTooLarge, [:])
            case is TooManyRequests: (.tooManyRequests, Self.retryAfter)
            case is Overloaded, is ShuttingDown: (.serviceUnavailable, Self.retryAfter)
            case let error as BackedOff:
                (.serviceUnavailable, [.retryAfter: "\((error.retryAfterMillis + 999) / 1000)"])
            case is InvalidResponse: (.badGateway, [:])
            case is InvocationTimeout: (.gatewayTimeout, [:])
            default: (.internalServerError, [:])
            }
        self.init(status: status, errorType: error.errorType, message: error.message, headers: headers)
        if let error = error as? HandlerError { stackTrace = error.stackTrace }
        if let error = error as? LoadError {
            stackTrace = error.stackTrace
            line = error.line
            column = error.column
        }
    }

    private init(_ error: HTTPError) {
        switch error.status {
        case .notFound:
            self.init(status: .notFound, errorType: "NotFound", message: error.body ?? "There is nothing at this path.")
        case .methodNotAllowed:
            self.init(
                status: .methodNotAllowed, errorType: "MethodNotAllowed", message: error.body ?? "Method Not Allowed",
                headers: error.headers)
        default:
            self.init(
                status: error.status, errorType: "InvalidRequest", message: error.body ?? error.status.reasonPhrase)
        }
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
                message: "The request is not HTTP/1.1: \(error.debugDescription).")
        }
    }

    /// What is the caller's fault is not the log's affair.
    package func log(_ error: any Error, requestID: String, path: String, to logger: Logger) {
        guard status.kind == .serverError else { return }
        logger.warning("\(error)", metadata: ["requestId": "\(requestID)", "path": "\(path)"])
    }

    package func response(requestID: String) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body(requestID: requestID)))
    }

    package func body(requestID: String) -> ByteBuffer {
        var body: [String: JSONValue] = [
            "error": .string(message), "errorType": .string(errorType), "requestId": .string(requestID),
        ]
        if !stackTrace.isEmpty { body["stackTrace"] = .array(stackTrace.map { .string($0) }) }
        if let line { body["line"] = .integer(Int64(line)) }
        if let column { body["column"] = .integer(Int64(column)) }
        return ByteBuffer(bytes: JSONValue.object(body).jsonBytes())
    }
}
