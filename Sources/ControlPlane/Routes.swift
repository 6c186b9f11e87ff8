import DataPlane
import FunctionModel
import FunctionService
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What a request carries through the routes.
package struct FunctionRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel
    var requestID = ""

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The server's routes. The same list makes the router and says which methods a path has.
package struct Routes: Sendable {
    private struct Route: Sendable {
        let path: String
        let methods: [HTTPRequest.Method]
        /// nil: what answers them comes before the router (``InvokeHandler``).
        let respond: (@Sendable (Request, FunctionRequestContext) async throws -> Response)?
    }

    let service: FunctionService
    let logger: Logger

    package init(service: FunctionService, logger: Logger) {
        self.service = service
        self.logger = logger
    }

    private var routes: [Route] {
        [
            Route(path: "/health", methods: [.get, .head]) { [service] request, _ in
                if request.uri.queryParameters["verbose"] != nil { return HealthReport(service.health).response() }
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
            },
            Route(path: "/invoke/:id", methods: [.post], respond: nil),
            Route(path: "/invoke", methods: [.post]) { _, _ in
                throw InvalidRequest("Missing function id in path /invoke/{id}.")
            },
        ]
    }

    package func router() -> Router<FunctionRequestContext> {
        let router = Router(context: FunctionRequestContext.self)
        let routes = routes
        router.add(middleware: Answers(routes: routes, logger: logger))
        for route in routes {
            guard let respond = route.respond else { continue }
            for method in route.methods { router.on(RouterPath(route.path), method: method, use: respond) }
        }
        return router
    }

    /// Gives every answer its request id and every error its form.
    private struct Answers: RouterMiddleware {
        typealias Context = FunctionRequestContext

        let routes: [Route]
        let logger: Logger

        func handle(
            _ request: Request, context: FunctionRequestContext,
            next: (Request, FunctionRequestContext) async throws -> Response
        ) async throws -> Response {
            var context = context
            context.requestID = RequestID.from(request.headers[RequestID.headerName])
            var response: Response
            do {
                response = try await next(request, context)
            } catch {
                response = answer(to: error, request, context)
            }
            response.headers[RequestID.headerName] = context.requestID
            return response
        }

        private func answer(to error: any Error, _ request: Request, _ context: FunctionRequestContext) -> Response {
            if let error = error as? HTTPError, error.status == .notFound, let methods = methods(at: request.uri.path) {
                let allowed = methods.map(\.rawValue).joined(separator: ", ")
                return ErrorResponse(
                    HTTPError(.methodNotAllowed, headers: [.allow: allowed], message: "Method Not Allowed")
                )
                .response(requestID: context.requestID)
            }
            let response = ErrorResponse(error)
            response.log(error, requestID: context.requestID, path: request.uri.path, to: logger)
            return response.response(requestID: context.requestID)
        }

        private func methods(at path: String) -> [HTTPRequest.Method]? {
            let segments = path.split(separator: "/")
            return routes.first { route in
                let pattern = route.path.split(separator: "/")
                return pattern.count == segments.count
                    && zip(pattern, segments).allSatisfy { $0 == $1 || $0.hasPrefix(":") }
            }?.methods
        }
    }
}
