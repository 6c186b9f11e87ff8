import Access
import DataPlane
import Foundation
import FunctionModel
import FunctionService
import HTTPTypes
import HostMemory
import Hummingbird
import NIOCore
import Telemetry

/// `GET /functions/{id}/logs` and `GET /functions/{id}/calls`: what has been recorded of a function.
package struct RecordRoutes: Sendable {
    private let service: FunctionService

    package init(service: FunctionService) { self.service = service }

    package var routes: [Route] {
        [
            Route(.get, .head, path: "/functions/:id/logs", scope: .read) { request, context in
                try await logs(request, context)
            },
            Route(.get, .head, path: "/functions/:id/calls", scope: .read) { request, context in
                let parameters = try QueryParameters(
                    request, known: ["since", "until", "request", "failed", "limit"])
                var query = try Self.query(parameters)
                query.failedOnly = try parameters.flag("failed")
                return try array(try await service.calls(of: try Self.id(context), query))
            },
        ]
    }

    private static func id(_ context: FunctionRequestContext) throws -> FunctionID {
        let text = try context.parameters.require("id")
        guard let decoded = text.removingPercentEncoding else {
            throw InvalidRequest("The path is not percent-encoded text.")
        }
        return try FunctionID(decoded)
    }

    private static func query(_ parameters: QueryParameters) throws(InvalidRequest) -> RecordQuery {
        var query = RecordQuery()
        if let text = parameters["since"] { query.since = try Timestamp(text, parameter: "since") }
        if let text = parameters["until"] { query.until = try Timestamp(text, parameter: "until") }
        if let text = parameters["level"] {
            guard let level = LogLine.Level(name: text) else {
                throw InvalidRequest(
                    "Invalid value \(quoted(text)) of 'level': give debug, info, warning or error.")
            }
            query.level = level
        }
        if let text = parameters["request"] {
            guard RequestID.isUsable(text) else {
                throw InvalidRequest("Invalid value \(quoted(text)) of 'request': it is not a request id.")
            }
            query.requestID = text
        }
        query.limit = try parameters.number("limit", 1...RecordQuery.largestLimit) ?? query.limit
        return query
    }

    /// The response draws from the host's memory until it is sent: clients may read slowly.
    private func array(_ records: [some StoredRecord]) throws(Overloaded) -> Response {
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for (index, record) in records.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\n"))
            record.appendJSON(to: &bytes)
        }
        bytes += "\n]\n".utf8
        guard let reservation = MemoryReservation(bytes.count, from: service.memory) else {
            throw Overloaded("The host has no memory left for this request. Try again later.")
        }
        let buffer = ByteBuffer(bytes: bytes)
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(contentLength: buffer.readableBytes) { writer in
                try await writer.write(buffer)
                try await writer.finish(nil)
                reservation.end()
            })
    }

    // MARK: Lines

    private func logs(_ request: Request, _ context: FunctionRequestContext) async throws -> Response {
        let parameters = try QueryParameters(
            request, known: ["since", "until", "level", "request", "limit", "follow"])
        let id = try Self.id(context)
        var query = try Self.query(parameters)
        guard try parameters.flag("follow"), request.method == .get else {
            return try array(try await service.lines(of: id, query))
        }
        if query.until != nil { throw InvalidRequest("'until' and 'follow' cannot be given together.") }
        // What a browser's EventSource sends when it connects again.
        if let last = request.headers[.lastEventID].flatMap({ Timestamp(iso: $0) }) {
            query.since = Timestamp(microseconds: last.microseconds + 1)
        }
        // The follower first: a line that comes while the earlier ones are read is in one of the two.
        let follower = try await service.follow(id, query)
        // A client that disconnects is noticed here at once, and by the next comment if the network is gone.
        context.channel.closeFuture.whenComplete { _ in follower.end() }
        do {
            let earlier = try await service.lines(of: id, query)
            return stream(id, follower, earlier)
        } catch {
            service.stopFollowing(id, follower)
            throw error
        }
    }

    /// Without lines, a comment is sent this often: so a client that has disconnected is noticed.
    private static let keepAlive = Duration.seconds(15)

    private func stream(_ id: FunctionID, _ follower: LogFollower, _ earlier: [LogRecord]) -> Response {
        // It also ends the follower if the response is dropped before it is written.
        let following = Following(service, id, follower)
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no"],
            body: ResponseBody { writer in
                defer { following.end() }
                try await writer.write(Self.events(earlier, dropped: 0))
                let newest = earlier.last?.time
                let ticking = Task {
                    while (try? await Task.sleep(for: Self.keepAlive)) != nil { follower.wake() }
                }
                defer { ticking.cancel() }
                for await _ in follower.changes {
                    try await writer.write(Self.events(follower.take(), after: newest))
                }
                // The last lines of a host that stops.
                try await writer.write(Self.events(follower.take(), after: newest))
                try await writer.finish(nil)
            })
    }

    /// - Parameter newest: the latest of the lines that have been sent before; the batch may have some of them again.
    private static func events(_ batch: LogFollower.Batch, after newest: Timestamp?) -> ByteBuffer {
        events(batch.lines.filter { line in newest.map { line.time > $0 } ?? true }, dropped: batch.dropped)
    }

    private static func events(_ lines: [LogRecord], dropped: Int) -> ByteBuffer {
        var bytes: [UInt8] = []
        for line in lines {
            bytes += "id: \(line.time)\nevent: line\ndata: ".utf8
            line.appendJSON(to: &bytes)
            bytes += "\n\n".utf8
        }
        if dropped > 0 { bytes += "event: dropped\ndata: {\"count\":\(dropped)}\n\n".utf8 }
        if bytes.isEmpty { bytes += ": keep-alive\n\n".utf8 }
        return ByteBuffer(bytes: bytes)
    }

    /// Ends a follower once: after its response, or when the response is dropped unsent.
    private final class Following: Sendable {
        private let service: FunctionService
        private let id: FunctionID
        private let follower: LogFollower

        init(_ service: FunctionService, _ id: FunctionID, _ follower: LogFollower) {
            self.service = service
            self.id = id
            self.follower = follower
        }

        func end() { service.stopFollowing(id, follower) }

        deinit { end() }
    }
}

/// Bytes of the host's memory budget, given back when this ends.
private final class MemoryReservation: Sendable {
    private let memory: ByteBudget
    private let bytes: Int

    init?(_ bytes: Int, from memory: ByteBudget) {
        guard memory.reserve(bytes) else { return nil }
        self.memory = memory
        self.bytes = bytes
    }

    /// Keeps it alive until here.
    func end() {}

    deinit { memory.release(bytes) }
}

extension HTTPField.Name {
    // The constants are valid names.
    // swift-format-ignore: NeverForceUnwrap
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID")!
    /// Asks proxies not to collect the response.
    // swift-format-ignore: NeverForceUnwrap
    fileprivate static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering")!
}
