import Access
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
    /// The caller. Routes whose scope depends on the request check it with ``require(_:)``.
    var principal = Principal.anonymous(.missing)

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// - Throws: `Unauthorized` or `InsufficientScope`.
    func require(_ scope: Scope) throws {
        if let denial = principal.denial(of: scope) { throw denial.error }
    }
}

/// The server's routes. One list makes the router and says which methods a path has.
package struct Routes: Sendable {
    private let health: @Sendable () -> ServiceHealth
    private let access: AccessControl
    /// Those of folders of this target.
    private let others: [Route]
    private let logger: Logger

    package init(
        health: @escaping @Sendable () -> ServiceHealth, access: AccessControl = AccessControl(isOpen: true),
        others: [Route] = [], logger: Logger
    ) {
        self.health = health
        self.access = access
        self.others = others
        self.logger = logger
    }

    private var routes: [Route] {
        [
            Route(.get, .head, path: "/health", scope: nil) { [health] request, context in
                if request.uri.queryParameters["verbose"] != nil {
                    try context.require(.read)
                    return HealthReport(health()).response()
                }
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
            },
            Route(.post, path: "/invoke/:id", scope: .invoke, respond: nil),
            Route(.post, path: "/invoke", scope: .invoke) { _, _ in
                throw InvalidRequest("Missing function id in path /invoke/{id}.")
            },
        ] + others
    }

    package func router() -> Router<FunctionRequestContext> {
        let router = Router(context: FunctionRequestContext.self)
        let routes = routes
        router.add(middleware: Answers(routes: routes, access: access, logger: logger))
        for route in routes {
            guard let respond = route.authorizedRespond else { continue }
            for method in route.methods { router.on(RouterPath(route.path), method: method, use: respond) }
        }
        return router
    }

    /// The routes of a path: two of them may have the same path and different methods.
    private static func routes(at path: String, in routes: [Route]) -> [Route] {
        let segments = path.split(separator: "/")
        return routes.filter { route in
            let pattern = route.path.split(separator: "/")
            return pattern.count == segments.count
                && zip(pattern, segments).allSatisfy { $0 == $1 || $0.hasPrefix(":") }
        }
    }

    /// Checks the caller, adds the request id to every response and gives every error its form.
    private struct Answers: RouterMiddleware {
        typealias Context = FunctionRequestContext

        let routes: [Route]
        let access: AccessControl
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
                let peer = access.peer(address: context.channel.remoteAddress?.ipAddress)
                var last = AccessControl.LastToken()
                context.principal = access.principal(peer, request.headers[.authorization], last: &last)
                do {
                    response = try await next(request, context)
                } catch {
                    guard let refusal = refusal(error, request, context.principal) else { throw error }
                    try await slowDown(request, peer, refusal)
                    throw refusal
                }
            } catch {
                response = answer(to: error, request, context)
            }
            response.headers[RequestID.headerName] = context.requestID
            return response
        }

        /// A caller that needs a token for what there is needs one for what there is not.
        private func refusal(_ error: any Error, _ request: Request, _ principal: Principal) -> Unauthorized? {
            guard case .anonymous(let reason) = principal else { return nil }
            if error is Unauthorized { return reason }
            let isMissing = (error as? HTTPError)?.status == .notFound
            let isOpen = Routes.routes(at: request.uri.path, in: routes).contains { $0.scope == nil }
            return isMissing && !isOpen ? reason : nil
        }

        private func slowDown(_ request: Request, _ peer: AccessControl.Peer, _ error: Unauthorized) async throws {
            let credentials = AccessControl.Credentials(
                forwarded: request.headers[.forwarded], xForwardedFor: request.headers[.xForwardedFor])
            let client = access.clientAddress(peer, credentials) ?? peer.address
            let refusal = access.refused(address: client)
            if let count = refusal.loggedCount {
                logger.warning(
                    "A request was refused: \(error.message)",
                    metadata: ["client": "\(client)", "attempts": "\(count)", "path": "\(request.uri.path)"])
            }
            try await Task.sleep(for: .milliseconds(refusal.delayMillis))
        }

        private func answer(to error: any Error, _ request: Request, _ context: FunctionRequestContext) -> Response {
            let methods = Routes.routes(at: request.uri.path, in: routes).flatMap(\.methods)
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

extension HTTPField.Name {
    // The constants are valid names.
    // swift-format-ignore: NeverForceUnwrap
    fileprivate static let forwarded = HTTPField.Name("Forwarded")!
    // swift-format-ignore: NeverForceUnwrap
    fileprivate static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
}
