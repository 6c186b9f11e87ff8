import FunctionModel
import NIOCore
import NIOHTTP1

/// `/http/{id}/…`: the request is the event, in the form of AWS Lambda's function URLs, and the result is a response.
struct FunctionURLDialect: InvocationDialect {
    func check(_ function: Function) throws(InvalidRequest) {
        guard function.definition.response == .http else {
            throw InvalidRequest(
                "The function '\(function.id)' does not answer HTTP: its manifest has no \"response\": \"http\".")
        }
    }

    /// The body becomes a JSON string, as text or as base64. Headers and parameters become dictionaries, which cost more
    /// for each byte.
    func eventCost(_ head: HTTPRequestHead, body: ByteBuffer) -> Int? {
        let headBytes = head.headers.reduce(head.uri.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        return 2 * body.readableBytes + 16 * headBytes
    }
    func event(_ request: DialectRequest, body: ByteBuffer) -> ByteBuffer {
        HTTPEvent(request).event(body: body)
    }

    func responseCost(_ result: ByteBuffer) -> Int { 2 * result.readableBytes }
    func response(result: ByteBuffer) throws -> DialectResponse {
        let response = try GuestResponse(result)
        return DialectResponse(status: response.status, headers: response.headers, body: response.body)
    }
}
