import FunctionModel
import NIOCore
import Telemetry

extension FunctionRuntime {
    /// Makes a worker load the function. Its handler is not called, and observers are told nothing.
    /// - Throws: what a call would throw: ``LoadError``, ``HandlerNotFound``, ``Overloaded`` and others.
    package func checkLoading(_ function: Function) async throws {
        // An event that no engine reads: a worker loads its function before it reads the event, and the handler is not
        // reached.
        let outcome = await run(
            function, event: ByteBuffer(bytes: [0xff]), requestID: "load-check",
            timeoutMillis: Self.loadCheckMillis,
            trigger: .loadCheck)
        do {
            _ = try outcome.result.get()
        } catch is InvalidEvent {
            return
        }
    }

    /// Loading has a limit of its own; this one includes the wait for a worker. The function's own timeout is for calls.
    private static let loadCheckMillis = 120_000

    package func effectiveLimits(
        of function: Function, defaultTimeoutMillis: Int, defaultEventBytes: Int
    ) -> [LimitReport] {
        EffectiveLimits(function, configuration).report(
            defaultTimeoutMillis: defaultTimeoutMillis, defaultEventBytes: defaultEventBytes)
    }
}

/// One limit of a function, and where it comes from.
package struct LimitReport: Equatable, Sendable {
    package enum Source: Sendable { case function, host, ceiling }

    /// The manifest's field.
    package let name: String
    /// nil: no limit.
    package let value: Int?
    package let source: Source
}
