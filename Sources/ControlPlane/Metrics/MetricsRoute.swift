import Access
import FunctionModel
import FunctionService
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import SystemCalls
import Telemetry

/// `GET /metrics`: counters, gauges and histograms in Prometheus' text format.
package struct MetricsRoute: Sendable {
    /// What only the server knows.
    package struct Connections: Sendable {
        package var open: Int
        package var refused: Int

        package init(open: Int, refused: Int) {
            self.open = open
            self.refused = refused
        }
    }

    private let service: FunctionService
    private let readiness: Readiness
    private let connections: @Sendable () -> Connections
    private let started: Timestamp

    package init(
        service: FunctionService, readiness: Readiness, connections: @escaping @Sendable () -> Connections,
        started: Timestamp = .now()
    ) {
        self.service = service
        self.readiness = readiness
        self.connections = connections
        self.started = started
    }

    package var route: Route {
        Route(.get, .head, path: "/metrics", scope: .read) { request, _ in
            _ = try QueryParameters(request, known: [])
            return Response(
                status: .ok,
                headers: [
                    .contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store",
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: text())))
        }
    }

    func text() -> [UInt8] {
        var text = PrometheusText()
        let health = service.health
        if let records = service.records {
            Self.add(records.metrics.snapshot, to: &text)
            let losses = records.losses
            text.add(
                .recordsLost,
                [(["buffer"], UInt64(clamping: losses.buffer)), (["disk"], UInt64(clamping: losses.disk))])
        }
        text.add(.endedForMemory, UInt64(clamping: health.invocationsEndedForMemory))
        text.add(.evictedReady, UInt64(clamping: health.evictedReadyWorkers))
        let pool = health.pool
        text.add(
            .workers,
            [("starting", pool.starting), ("idle", pool.idle), ("busy", pool.busy), ("ending", pool.ending)].map {
                ([$0.0], UInt64(clamping: $0.1))
            })
        text.add(.queueDepth, UInt64(clamping: pool.waiting))
        text.add(
            .workerMemory,
            [("promised", pool.promisedBytes), ("used", pool.usedBytes), ("limit", pool.memoryLimit)].map {
                ([$0.0], UInt64(clamping: $0.1))
            })
        text.add(
            .hostMemory,
            [
                (["used"], UInt64(clamping: health.memoryBytes)), (["limit"], UInt64(clamping: health.memoryLimit)),
            ])
        text.add(.functionsInMemory, UInt64(clamping: health.functionsInMemory))
        let connections = connections()
        text.add(.connections, UInt64(clamping: connections.open))
        text.add(.connectionsRefused, UInt64(clamping: connections.refused))
        text.add(.ready, readiness.current == .ready ? 1 : 0)
        text.add(.processorTime, seconds: ProcessorClock.now())
        text.add(.residentMemory, UInt64(clamping: HostProcess.residentBytes))
        text.add(.openFiles, UInt64(clamping: HostProcess.openFiles))
        text.add(.startTime, UInt64(clamping: started.microseconds / 1_000_000))
        return text.bytes
    }

    private static func add(_ metrics: InvocationMetrics.Snapshot, to text: inout PrometheusText) {
        // A function that has not been called has no samples; "other" has some when there are more functions than labels.
        let functions = metrics.functions.map { ($0.function?.text ?? "other", $0) }.filter { $0.1.isUsed }
        text.add(
            .calls,
            functions.flatMap { name, counters in
                InvocationMetrics.Outcome.allCases.compactMap { outcome in
                    let count = counters.calls(outcome)
                    // Results always: a rate of errors divides by them.
                    return count > 0 || outcome == .result ? ([name, outcome.rawValue], count) : nil
                }
            })
        text.add(.coldStarts, functions.map { ([$0], $1.coldStarts) })
        text.add(.handler, functions.map { ([$0], $1.handler) })
        text.add(.eventBytes, functions.map { ([$0], $1.eventBytes) })
        text.add(.resultBytes, functions.map { ([$0], $1.resultBytes) })
        text.add(.logLines, functions.map { ([$0], $1.logLines) })
        text.add(
            .retired,
            functions.flatMap { name, counters in
                WorkerEnd.Retirement.allCases.compactMap { reason in
                    let count = counters.retired(reason)
                    return count > 0 ? ([name, reason.rawValue], count) : nil
                }
            })
        text.add(.queue, [([], metrics.queue)])
        text.add(.load, [([], metrics.load)])
        text.add(.refused, InvocationMetrics.Refusal.allCases.map { ([$0.rawValue], metrics.refused($0)) })
        text.add(.workerEnds, WorkerEnd.Reason.allCases.map { ([$0.rawValue], metrics.workerEnds($0)) })
    }
}

extension InvocationMetrics.Snapshot.FunctionCounters {
    fileprivate var isUsed: Bool {
        function != nil || InvocationMetrics.Outcome.allCases.contains { calls($0) > 0 } || logLines > 0
    }
}

/// Facts about this process.
private enum HostProcess {
    static var residentBytes: Int {
        let pages = words("/proc/self/statm").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// `Descriptors.openDescriptors` is for workers, which have the folder open under a number of its own.
    static var openFiles: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
        }
        // Without this folder's own.
        return count - 1
    }

    private static func words(_ path: String) -> [Substring] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: " ")
    }
}
