import DataPlane
import FunctionModel
import Hummingbird
import NIOCore
import Synchronization

/// Whether a load balancer should send requests here.
package final class Readiness: Sendable {
    package enum State: UInt8, AtomicRepresentable, Sendable {
        /// The workers that functions keep ready are starting.
        case starting
        case ready
        /// The host stops.
        case draining
    }

    private let state = Atomic(State.starting)

    package init() {}

    package var current: State { state.load(ordering: .relaxed) }

    /// A host that drains does not become ready again.
    package func becomeReady() {
        _ = state.compareExchange(expected: .starting, desired: .ready, ordering: .relaxed)
    }

    package func drain() { state.store(.draining, ordering: .relaxed) }

    package var route: Route {
        Route(.get, .head, path: "/ready", scope: nil) { [self] _, _ in
            switch current {
            case .ready:
                return Response(
                    status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "OK")))
            case .starting: throw NotReady("The host is starting.")
            case .draining: throw NotReady("The host is stopping.")
            }
        }
    }
}

/// The host takes no calls yet, or soon no more.
private struct NotReady: FunctionError {
    var kind: FunctionErrorKind { .capacity }
    let message: String

    init(_ message: String) { self.message = message }
}
