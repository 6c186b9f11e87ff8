import Access
import DataPlane
import Foundation
import FunctionModel
import FunctionService
import FunctionStorage
import HTTPTypes
import HostMemory
import Hummingbird
import NIOCore
import Telemetry

/// Stored functions over HTTP: deploy, list, read, delete, versions and aliases. docs/functions-api.md is the reference.
package struct FunctionRoutes: Sendable {
    /// What functions get that ask for nothing else.
    package struct Defaults: Sendable {
        package var timeoutMillis: Int
        package var maximumEventBytes: Int

        package init(timeoutMillis: Int, maximumEventBytes: Int) {
            self.timeoutMillis = timeoutMillis
            self.maximumEventBytes = maximumEventBytes
        }
    }

    private let service: FunctionService
    private let defaults: Defaults

    /// The most functions in one response; a larger `limit` is refused.
    static let maximumPage = 1000

    package init(service: FunctionService, defaults: Defaults) {
        self.service = service
        self.defaults = defaults
    }

    private var deployments: Deployments { service.deployments }

    package var routes: [Route] {
        [
            Route(.get, path: "/functions", scope: .read) { request, _ in try await list(request) },
            Route(.post, path: "/functions", scope: .deploy) { request, context in try await create(request, context) },
            Route(.get, path: "/functions/:id", scope: .read) { request, context in try await read(request, context) },
            Route(.put, path: "/functions/:id", scope: .deploy) { request, context in
                try await replace(request, context)
            },
            Route(.delete, path: "/functions/:id", scope: .deploy) { request, context in
                let change = FunctionChange(author: context.principal.name, precondition: try ifMatch(request))
                try await deployments.delete(try id(context), change: change)
                return Response(status: .noContent)
            },
            Route(.get, path: "/functions/:id/versions", scope: .read) { _, context in
                let versions = try await deployments.versions(of: try id(context))
                return json(.array(versions.map(\.json)))
            },
            Route(.get, path: "/functions/:id/versions/:version", scope: .read) { request, context in
                try await readVersion(request, context)
            },
            Route(.post, path: "/functions/:id/rollback", scope: .deploy) { request, context in
                try await rollBack(request, context)
            },
            Route(.get, path: "/functions/:id/aliases", scope: .read) { _, context in
                let aliases = try await deployments.aliases(of: try id(context))
                return json(.array(aliases.map(\.json)))
            },
            Route(.put, path: "/functions/:id/aliases/:alias", scope: .deploy) { request, context in
                try await setAlias(request, context)
            },
            Route(.delete, path: "/functions/:id/aliases/:alias", scope: .deploy) { _, context in
                try await deployments.removeAlias(
                    try parameter("alias", context), of: try id(context), by: context.principal.name)
                return Response(status: .noContent)
            },
        ]
    }

    // MARK: Deploying

    private func create(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let checksLoading = try flag("check", request) ?? true
        let deployment = try await withManifest(request, defaultID: nil) { manifest in
            let change = FunctionChange(author: context.principal.name, precondition: .absent)
            return try await service.deploy(manifest, checksLoading: checksLoading, change: change)
        }
        return response(to: deployment, isNew: true)
    }

    private func replace(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let id = try id(context)
        let checksLoading = try flag("check", request) ?? true
        var precondition = try ifMatch(request)
        if let value = request.headers[.ifNoneMatch] {
            guard value == "*", precondition == .none else {
                throw InvalidRequest("The header If-None-Match must be '*', and excludes If-Match.")
            }
            precondition = .absent
        }
        let change = FunctionChange(author: context.principal.name, precondition: precondition)
        do {
            let (deployment, isNew) = try await withManifest(request, defaultID: id) { manifest in
                guard manifest.id == id else {
                    throw InvalidRequest("The manifest's id is '\(manifest.id)', and the path's '\(id)'.")
                }
                let isNew = try await !deployments.isStored(id)
                let deployment = try await service.deploy(manifest, checksLoading: checksLoading, change: change)
                return (deployment, isNew)
            }
            return response(to: deployment, isNew: isNew)
        } catch let error as FunctionExists {
            // The client's condition, not a second function of the name.
            throw Rejection(status: .preconditionFailed, error)
        }
    }

    private func response(to deployment: Deployment, isNew: Bool) -> Response {
        let function = deployment.function
        var response = json(function.json(deployment.version), status: isNew ? .created : .ok)
        response.headers[.eTag] = "\"\(function.revision)\""
        if isNew { response.headers[.location] = "/functions/\(function.id)" }
        return response
    }

    /// - Parameter defaultID: of a manifest without `id`; nil: a new one is made.
    private func withManifest<Result: Sendable>(
        _ request: Request, defaultID: FunctionID?, _ body: (Manifest) async throws -> Result
    ) async throws -> Result {
        try await withBody(request) { bytes in
            guard !bytes.isEmpty else { throw InvalidRequest("The request has no body: send a manifest.") }
            let id = try defaultID ?? FunctionID(RequestIDs.make())
            let manifest = try Manifest(bytes, name: "manifest", files: .forbidden, defaultID: id)
            do {
                return try await body(manifest)
            } catch let error as any FunctionError where error.kind == .function {
                // The code is the request's own here.
                throw Rejection(status: .unprocessableContent, error)
            }
        }
    }

    // MARK: Reading

    private func list(_ request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        let limit = try query["limit"].map { text in
            guard let limit = Int(text), (1...Self.maximumPage).contains(limit) else {
                throw InvalidRequest("'limit' must be from 1 to \(Self.maximumPage).")
            }
            return limit
        }
        let after = try query["after"].map { try FunctionID(String($0)) }
        let list = try await deployments.list(after: after, limit: limit)
        var response = json(.array(list.functions.map { $0.json(list.facts[$0.id]) }))
        if list.hasMore, let limit, let last = list.last {
            response.headers[Self.link] = "</functions?limit=\(limit)&after=\(last)>; rel=\"next\""
        }
        return response
    }

    private func read(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let id = try id(context)
        let loaded = try await deployments.loadWithFacts(id)
        let aliases = try await deployments.aliases(of: id)
        return try detailed(loaded.function, loaded.facts, aliases: aliases, request)
    }

    private func readVersion(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let id = try id(context)
        let text = try parameter("version", context)
        guard let number = Int(text), number > 0 else {
            throw InvalidRequest("A version is a number from 1 on, not \(quoted(text)).")
        }
        let function = try await deployments.load(id, version: number)
        let version = try await deployments.versions(of: id).first { $0.number == number }
        let facts = version.map { FunctionFacts(changedAt: $0.createdAt, size: $0.size, version: $0.number) }
        return try detailed(function, facts, aliases: nil, request)
    }

    private func detailed(
        _ function: Function, _ facts: FunctionFacts?, aliases: [FunctionAlias]?, _ request: Request
    ) throws -> Response {
        let limits = service.effectiveLimits(
            of: function, defaultTimeoutMillis: defaults.timeoutMillis, defaultEventBytes: defaults.maximumEventBytes)
        let withSource = try flag("source", request) ?? false
        var response = json(function.detailedJSON(facts, aliases: aliases, limits: limits, withSource: withSource))
        response.headers[.eTag] = "\"\(function.revision)\""
        return response
    }

    // The constant is a valid name.
    // swift-format-ignore: NeverForceUnwrap
    private static let link = HTTPField.Name("Link")!

    // MARK: Versions and aliases

    private func rollBack(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let id = try id(context)
        let change = FunctionChange(author: context.principal.name, precondition: try ifMatch(request))
        let number = try await withBody(request, limit: Self.maximumSmallBody) { bytes in
            bytes.isEmpty ? nil : try VersionRequest(bytes).number
        }
        let version = try await deployments.rollBack(id, to: number, change: change)
        var response = json(version.json)
        response.headers[.eTag] = "\"\(version.revision)\""
        return response
    }

    private func setAlias(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let id = try id(context)
        let name = try parameter("alias", context)
        let alias = try await withBody(request, limit: Self.maximumSmallBody) {
            try FunctionAlias(name: name, json: $0)
        }
        try await deployments.setAlias(alias, of: id, by: context.principal.name)
        return json(alias.json)
    }

    // MARK: Requests

    private static let maximumSmallBody = 64 << 10

    /// Collects the body out of the host's memory budget, which has it back when `body` returns.
    private func withBody<Result: Sendable>(
        _ request: Request, limit: Int = Manifest.maximumFileSize, _ body: ([UInt8]) async throws -> Result
    ) async throws -> Result {
        let type = request.headers[.contentType]?.lowercased() ?? ""
        guard !type.hasPrefix("multipart/"), !type.hasPrefix("application/zip") else {
            throw Rejection(
                status: .unsupportedMediaType,
                InvalidRequest("The body must be JSON: the server takes no archives."))
        }
        var bytes: [UInt8] = []
        var reserved = 0
        defer { service.memory.release(reserved) }
        for try await chunk in request.body {
            guard bytes.count + chunk.readableBytes <= limit else { throw PayloadTooLarge(limit: limit) }
            // The text is copied while it is parsed, stored and built.
            let needed = chunk.readableBytes * 4
            guard service.memory.reserve(needed) else {
                throw Overloaded("The host has no memory left for this request. Try again later.")
            }
            reserved += needed
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return try await body(bytes)
    }

    private func id(_ context: FunctionRequestContext) throws -> FunctionID {
        try FunctionID(try parameter("id", context))
    }

    private func parameter(_ name: String, _ context: FunctionRequestContext) throws -> String {
        guard let text = context.parameters.get(name)?.removingPercentEncoding else {
            throw InvalidRequest("The path is not percent-encoded text.")
        }
        return text
    }

    private func flag(_ name: String, _ request: Request) throws -> Bool? {
        switch request.uri.queryParameters[Substring(name)] {
        case nil: nil
        case "true": true
        case "false": false
        case let text?: throw InvalidRequest("'\(name)' must be true or false, not \(quoted(String(text))).")
        }
    }

    /// The revisions of `If-Match`. A weak one matches nothing.
    private func ifMatch(_ request: Request) throws -> FunctionPrecondition {
        guard let value = request.headers[.ifMatch] else { return .none }
        if value == "*" { return .present }
        let tags = value.split(separator: ",").map { $0.trimmingSpaces }
        let revisions = tags.filter { $0.count >= 2 && $0.hasPrefix("\"") && $0.hasSuffix("\"") }
        guard !tags.isEmpty, tags.allSatisfy({ revisions.contains($0) || $0.hasPrefix("W/\"") }) else {
            throw InvalidRequest("The header If-Match must be '*' or the ETags of revisions, in quotation marks.")
        }
        return .revisions(Set(revisions.map { String($0.dropFirst().dropLast()) }))
    }

    private func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.jsonBytes())))
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
