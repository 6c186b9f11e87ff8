import Foundation
import FunctionModel
import HTTPTypes
import NIOCore
import NIOHTTP1

/// A function's response to an HTTP request. A guest wrote it, so everything in it is checked.
struct GuestResponse {
    let status: HTTPResponseStatus
    let headers: HTTPHeaders
    let body: ByteBuffer

    /// Headers of the connection. Only the host may set them.
    private static let connectionHeaders: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]
    /// Headers that the host writes itself. The function's values are dropped.
    private static let hostHeaders: Set<String> = ["content-length", "date", RequestID.headerName.canonicalName]
    private static let maximumHeaderBytes = 64 << 10

    /// Reads a function's result. A result without `statusCode` is the body of a 200 response, as JSON.
    init(_ result: ByteBuffer) throws {
        let value: JSONValue
        do {
            value = try JSONValue(json: result.readableBytesView)
        } catch {
            throw InvalidResponse("the result cannot be read: \(error)")
        }
        guard let code = value["statusCode"] else {
            status = .ok
            headers = ["Content-Type": "application/json"]
            body = result
            return
        }
        // A string of digits too, as API Gateway takes it.
        guard let code = code.integerValue ?? code.stringValue.flatMap({ Int64($0) }), (200...599).contains(code) else {
            throw InvalidResponse("'statusCode' must be an integer from 200 to 599, not \(Self.shown(code))")
        }
        status = HTTPResponseStatus(statusCode: Int(code))
        body = try Self.body(of: value)
        // Clients would take the body for the next response.
        guard body.readableBytes == 0 || ![204, 205, 304].contains(code) else {
            throw InvalidResponse("a response of status \(code) has no body")
        }
        var headers = try Self.headers(of: value)
        if !headers.contains(name: "Content-Type"), body.readableBytes > 0 {
            headers.add(name: "Content-Type", value: "application/json")
        }
        self.headers = headers
    }

    private static func body(of response: JSONValue) throws -> ByteBuffer {
        let isBase64 = try given(response["isBase64Encoded"]).map { value in
            guard let flag = value.boolValue else {
                throw InvalidResponse("'isBase64Encoded' must be true or false, not \(shown(value))")
            }
            return flag
        }
        guard let value = given(response["body"]) else { return ByteBuffer() }
        guard let text = value.stringValue else {
            throw InvalidResponse(
                "'body' must be text, not \(shown(value)): encode it as JSON first, or leave out 'statusCode'")
        }
        guard isBase64 == true else { return ByteBuffer(string: text) }
        // Encoders of mail break lines.
        guard let bytes = Data(base64Encoded: text.contains { $0.isNewline } ? text.filter { !$0.isNewline } : text)
        else {
            throw InvalidResponse("'body' is not base64, although 'isBase64Encoded' is true")
        }
        return ByteBuffer(bytes: bytes)
    }

    private static func headers(of response: JSONValue) throws -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let value = given(response["headers"]) {
            guard case .object(let members) = value else {
                throw InvalidResponse("'headers' must be an object, not \(shown(value))")
            }
            for (name, value) in members.sorted(by: { $0.key < $1.key }) { try add(name, value, to: &headers) }
        }
        if let value = given(response["cookies"]) {
            guard case .array(let cookies) = value, cookies.allSatisfy({ $0.stringValue != nil }) else {
                throw InvalidResponse("'cookies' must be an array of texts")
            }
            for cookie in cookies { try add("Set-Cookie", cookie, to: &headers) }
        }
        guard headers.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= maximumHeaderBytes else {
            throw InvalidResponse("the headers are larger than the limit of \(maximumHeaderBytes) bytes")
        }
        return headers
    }

    private static func add(_ name: String, _ value: JSONValue, to headers: inout HTTPHeaders) throws {
        guard HTTPField.Name(name) != nil else { throw InvalidResponse("\(quoted(name)) is not a header name") }
        guard !connectionHeaders.contains(name.lowercased()) else {
            throw InvalidResponse("the header '\(name)' is the connection's: a function cannot set it")
        }
        guard !hostHeaders.contains(name.lowercased()) else { return }
        switch value {
        case .null: return
        case .array(let values):
            for value in values { try add(name, value, to: &headers) }
        case .string, .integer, .number, .bool:
            let text = (value.stringValue ?? value.jsonText()).trimmingCharacters(in: .whitespaces)
            // A line break would begin another header, or the body.
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }) else {
                throw InvalidResponse("the header '\(name)' has a control character in its value")
            }
            headers.add(name: name, value: text)
        case .object:
            throw InvalidResponse("the header '\(name)' must be text, a number, or an array of them, not an object")
        }
    }

    /// A member that is null counts as missing.
    private static func given(_ value: JSONValue?) -> JSONValue? { value == .null ? nil : value }

    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .object: "an object"
        case .array: "an array"
        case .string(let text): quoted(text)
        default: value.jsonText()
        }
    }
}
