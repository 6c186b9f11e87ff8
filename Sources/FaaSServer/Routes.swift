import FunctionModel
import FunctionStorage
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PolyglotFaaS

/// What a request carries through the routes.
struct FunctionRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// The server's routes. The same list makes the router and says which methods a path has.
struct Routes: Sendable {
    private struct Route: Sendable {
        let path: String
        let methods: [HTTPRequest.Method]
        let respond: @Sendable (Request, FunctionRequestContext) async throws -> Response
    }

    let runtime: FunctionRuntime
    let functions: FunctionCache
    let configuration: FunctionServer.Configuration
    let logger: Logger

    private var routes: [Route] {
        [
            Route(path: "/health", methods: [.get, .head]) { [runtime] request, _ in
                if request.uri.queryParameters["verbose"] != nil { return HealthReport(runtime).response() }
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
            },
            Route(path: "/invoke/:id", methods: [.post], respond: invoke),
            Route(path: "/invoke", methods: [.post]) { _, _ in throw InvalidRequest("Missing function id in path /invoke/{id}.")
            },
        ]
    }

    func router() -> Router<FunctionRequestContext> {
        let router = Router(context: FunctionRequestContext.self)
        let routes = routes
        router.add(middleware: Answers(routes: routes, logger: logger))
        for route in routes {
            for method in route.methods { router.on(RouterPath(route.path), method: method, use: route.respond) }
        }
        return router
    }

    @Sendable private func invoke(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let function = try functions.function(FunctionID(context.parameters.get("id") ?? ""))
        let event = try await body(of: request, context)
        let outcome = await runtime.run(
            function, event: event, requestID: context.requestID,
            timeoutMillis: function.definition.timeoutMillis ?? configuration.defaultTimeoutMillis)
        for line in outcome.logs {
            logger.log(
                level: line.level.loggerLevel, "\(line.text)",
                metadata: ["function": "\(function.id)", "requestId": "\(context.requestID)"])
        }
        let result = try outcome.result.get()
        return Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: result))
    }

    private func body(of request: Request, _ context: FunctionRequestContext) async throws -> ByteBuffer {
        let limit = configuration.maximumEventBytes
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw PayloadTooLarge(limit: limit)
        }
        if request.headers[.expect] != nil { context.channel.triggerUserOutboundEvent(BodyIsWanted(), promise: nil) }
        do {
            return try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw PayloadTooLarge(limit: limit)
        }
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
            context.requestID = RequestID.from(request.headers)
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
                return ErrorResponse(HTTPError(.methodNotAllowed, headers: [.allow: allowed], message: "Method Not Allowed"))
                    .response(requestID: context.requestID)
            }
            let response = ErrorResponse(error)
            if error is CancellationError, !context.channel.isActive {
                logger.debug(
                    "The client has gone.", metadata: ["requestId": "\(context.requestID)", "path": "\(request.uri.path)"])
            } else if response.status.kind == .serverError {
                logger.warning("\(error)", metadata: ["requestId": "\(context.requestID)", "path": "\(request.uri.path)"])
            }
            return response.response(requestID: context.requestID)
        }

        private func methods(at path: String) -> [HTTPRequest.Method]? {
            let segments = path.split(separator: "/")
            return routes.first { route in
                let pattern = route.path.split(separator: "/")
                return pattern.count == segments.count && zip(pattern, segments).allSatisfy { $0 == $1 || $0.hasPrefix(":") }
            }?.methods
        }
    }
}

extension LogLine.Level {
    fileprivate var loggerLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
