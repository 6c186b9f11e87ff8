import DataPlane
import FunctionModel
import FunctionService
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Telemetry

/// The values that belong to one request in the router.
package struct FunctionRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel
    var requestID = ""

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The server's routes. One list makes the router and says which methods a path has.
package struct Routes: Sendable {
    private let health: @Sendable () -> ServiceHealth
    /// Those of folders of this target.
    private let others: [Route]
    private let logger: Logger

    package init(health: @escaping @Sendable () -> ServiceHealth, others: [Route] = [], logger: Logger) {
        self.health = health
        self.others = others
        self.logger = logger
    }

    private var routes: [Route] {
        [
            Route(.get, .head, path: "/health") { [health] request, _ in
                if request.uri.queryParameters["verbose"] != nil { return HealthReport(health()).response() }
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
            },
            Route(.post, path: "/invoke/:id", respond: nil),
            Route(.post, path: "/invoke") { _, _ in
                throw InvalidRequest("Missing function id in path /invoke/{id}.")
            },
        ] + others
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

    /// The methods of a path: of all routes, because two of them may have the same path.
    private static func methods(at path: String, in routes: [Route]) -> [HTTPRequest.Method] {
        let segments = path.split(separator: "/")
        return routes.filter { route in
            let pattern = route.path.split(separator: "/")
            return pattern.count == segments.count
                && zip(pattern, segments).allSatisfy { $0 == $1 || $0.hasPrefix(":") }
        }.flatMap(\.methods)
    }

    /// Adds the request id to every response and gives every error its form.
    private struct Answers: RouterMiddleware {
        typealias Context = FunctionRequestContext

        let routes: [Route]
        let logger: Logger

        func handle(
            _ request: Request, context: FunctionRequestContext,
            next: (Request, FunctionRequestContext) async throws -> Response
        ) async throws -> Response {
            var context = context
            var requestIDs = RequestIDs()
            context.requestID = requestIDs.requestID(given: request.headers[RequestID.headerName])
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
            let methods = Routes.methods(at: request.uri.path, in: routes)
            if let error = error as? HTTPError, error.status == .notFound, !methods.isEmpty {
                let allowed = methods.map(\.rawValue).joined(separator: ", ")
                return ErrorResponse(
                    routing: HTTPError(.methodNotAllowed, headers: [.allow: allowed], message: "Method Not Allowed")
                )
                .response(requestID: context.requestID)
            }
            let response = ErrorResponse(routing: error)
            if let message = response.logMessage(error) {
                logger.warning(
                    "\(message)", metadata: ["requestId": "\(context.requestID)", "path": "\(request.uri.path)"])
            }
            return response.response(requestID: context.requestID)
        }
    }
}
