import DataPlane
import Hummingbird

extension ErrorResponse {
    /// The router's own errors, and all others as everywhere.
    init(routing error: any Error) {
        if let rejection = error as? Rejection {
            self.init(rejection.error, status: rejection.status)
            return
        }
        guard let error = error as? HTTPError else {
            self.init(error)
            return
        }
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

    func response(requestID: String) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body(requestID: requestID)))
    }
}
