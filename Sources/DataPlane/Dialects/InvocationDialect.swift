import Access
import FunctionModel
import HTTPTypes
import NIOCore
import NIOHTTP1

/// A request as a dialect sees it.
struct DialectRequest: Sendable {
    let head: HTTPRequestHead
    /// The part of the path behind the function's id.
    let rest: Substring
    let requestID: String
    let function: FunctionID
    /// Without a port; empty: it is not known.
    let clientAddress: String
    /// Whether a trusted proxy sent it: then its headers may say who the client is.
    let isFromProxy: Bool
}

/// A response without the headers that every response has.
struct DialectResponse: Sendable {
    let status: HTTPResponseStatus
    var headers: HTTPHeaders
    let body: ByteBuffer
}

/// How a call is spelled in HTTP: a request becomes an event, an outcome becomes a response.
///
/// Pure values: these methods run on the event loop, or on a thread of a pool where they are given much to do.
protocol InvocationDialect: Sendable {
    /// - Throws: if this function cannot be called in this dialect.
    func check(_ function: Function) throws(InvalidRequest)

    /// About how many bytes ``event(_:body:)`` allocates. nil: the body is the event as it is.
    func eventCost(_ head: HTTPRequestHead, body: ByteBuffer) -> Int?
    func event(_ request: DialectRequest, body: ByteBuffer) -> ByteBuffer

    /// About how many bytes ``response(result:)`` allocates.
    func responseCost(_ result: ByteBuffer) -> Int
    /// - Throws: ``InvalidResponse`` if the function's result is not a response.
    func response(result: ByteBuffer) throws -> DialectResponse

    func response(error: ErrorResponse, requestID: String) -> DialectResponse
}

extension InvocationDialect {
    /// Tells a browser that a page of another origin may make the call. The host adds which origin.
    func preflightResponse(_ head: HTTPRequestHead) -> DialectResponse {
        var headers: HTTPHeaders = ["Access-Control-Allow-Methods": "POST", "Access-Control-Max-Age": "600"]
        // Which headers a call has does not matter to the host: the function does not see them.
        for value in head.headers["Access-Control-Request-Headers"] {
            headers.add(name: "Access-Control-Allow-Headers", value: value)
        }
        headers.add(name: "Vary", value: "Access-Control-Request-Headers")
        return DialectResponse(status: .noContent, headers: headers, body: ByteBuffer())
    }

    func response(error: ErrorResponse, requestID: String) -> DialectResponse {
        var headers = HTTPHeaders()
        headers.reserveCapacity(6)
        headers.add(name: "Content-Type", value: "application/json")
        for field in error.headers { headers.add(name: field.name.rawName, value: field.value) }
        return DialectResponse(
            status: HTTPResponseStatus(statusCode: error.status.code), headers: headers,
            body: error.body(requestID: requestID))
    }
}

extension Gate.Dialect {
    var conformer: any InvocationDialect {
        switch self {
        case .invoke: InvokeDialect()
        case .functionURL: FunctionURLDialect()
        }
    }
}
