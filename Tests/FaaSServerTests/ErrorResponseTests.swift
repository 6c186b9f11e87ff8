import FunctionModel
import HTTPTypes
import NIOCore
import NIOHTTP1
import Testing

@testable import DataPlane

@Suite struct ErrorResponseTests {
    @Test func `Each error has its status, name and origin`() throws {
        let table: [(any Error, Int, String, String)] = [
            (InvalidEvent("a"), 400, "InvalidEvent", "host"), (InvalidRequest("a"), 400, "InvalidRequest", "host"),
            (InvalidManifest("a"), 400, "InvalidManifest", "host"),
            (UnsupportedLanguage(id: "a"), 400, "UnsupportedLanguage", "host"),
            (FunctionNotFound(id: "a"), 404, "FunctionNotFound", "host"),
            (PayloadTooLarge(limit: 1), 413, "PayloadTooLarge", "host"),
            (TooManyRequests(limit: 1), 429, "TooManyRequests", "host"),
            (HandlerNotFound(functionName: "a", languageID: "js"), 500, "HandlerNotFound", "host"),
            (LoadError("a"), 500, "LoadError", "host"),
            (HandlerError(errorType: "FunctionNotFound", message: "a"), 500, "FunctionNotFound", "function"),
            (HandlerError(errorType: "TypeError", message: "a"), 500, "TypeError", "function"),
            (ResultNotSerializable("a"), 500, "ResultNotSerializable", "host"),
            (MemoryLimitExceeded(limitMB: 1), 500, "MemoryLimitExceeded", "host"),
            (CPULimitExceeded(limitMillis: 1), 500, "CPULimitExceeded", "host"),
            (TooManyThreads(limit: 1), 500, "TooManyThreads", "host"),
            (TooManyProcesses(limit: 1), 500, "TooManyProcesses", "host"),
            (SandboxViolation(), 500, "SandboxViolation", "host"), (WorkerCrashed("a"), 500, "WorkerCrashed", "host"),
            (WorkerExecutableNotFound(name: "a", searched: []), 500, "WorkerExecutableNotFound", "host"),
            (SandboxUnavailable(weaknesses: []), 500, "SandboxUnavailable", "host"),
            (InvalidResponse("a"), 502, "InvalidResponse", "host"),
            (Overloaded("a"), 503, "Overloaded", "host"), (ShuttingDown(), 503, "ShuttingDown", "host"),
            (BackedOff(failures: 3, retryAfterMillis: 1001, lastFailure: "a"), 503, "BackedOff", "host"),
            (InvocationTimeout(timeoutMillis: 1), 504, "InvocationTimeout", "host"),
            (CancellationError(), 503, "ShuttingDown", "host"), (BodyTooSlow(), 408, "RequestTimeout", "host"),
            (HTTPParserError.headerOverflow, 431, "HeadersTooLarge", "host"),
            (HTTPParserError.invalidMethod, 400, "InvalidRequest", "host"),
            (Unknown(), 500, "InternalError", "host"),
        ]
        for (error, status, errorType, origin) in table {
            let response = ErrorResponse(error)
            #expect(response.status.code == status, "\(error)")
            let body = try JSONValue(json: Array(response.body(requestID: "r-1").readableBytesView))
            #expect(body["errorType"]?.stringValue == errorType)
            #expect(body["errorOrigin"]?.stringValue == origin)
            #expect(body["requestId"]?.stringValue == "r-1")
            #expect(body["error"]?.stringValue?.contains("secret") == false)
            #expect((response.headers[.retryAfter] != nil) == [429, 503].contains(status), "\(error)")
        }
        #expect(
            ErrorResponse(BackedOff(failures: 3, retryAfterMillis: 1001, lastFailure: "a")).headers[.retryAfter] == "2")
    }

    @Test func `Only server errors are logged, and a cancelled call as a sentence`() {
        #expect(ErrorResponse(InvalidEvent("a")).logMessage(InvalidEvent("a")) == nil)
        #expect(ErrorResponse(TooManyRequests(limit: 1)).logMessage(TooManyRequests(limit: 1)) == nil)
        #expect(ErrorResponse(Unknown()).logMessage(Unknown()) == "secret")
        #expect(ErrorResponse(CancellationError()).logMessage(CancellationError()) == "The host is shutting down.")
    }

    private struct Unknown: Error, CustomStringConvertible {
        var description: String { "secret" }
    }
}
