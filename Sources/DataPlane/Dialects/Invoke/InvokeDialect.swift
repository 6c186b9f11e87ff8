import FunctionModel
import NIOCore
import NIOHTTP1

/// `POST /invoke/{id}`: the body is the event, the result is the body of a 200 response.
struct InvokeDialect: InvocationDialect {
    func check(_ function: Function) throws(InvalidRequest) {}

    func eventCost(_ head: HTTPRequestHead, body: ByteBuffer) -> Int? { nil }
    func event(_ request: DialectRequest, body: ByteBuffer) -> ByteBuffer { body }

    func responseCost(_ result: ByteBuffer) -> Int { 0 }
    func response(result: ByteBuffer) throws -> DialectResponse {
        var headers = HTTPHeaders()
        headers.reserveCapacity(4)
        headers.add(name: "Content-Type", value: "application/json")
        return DialectResponse(status: .ok, headers: headers, body: result)
    }
}
