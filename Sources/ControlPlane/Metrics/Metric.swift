/// The metrics of `GET /metrics`. One table: the response is made from it, and docs/metrics.md and the dashboard are
/// checked against it.
package struct Metric: Sendable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    package let name: String
    package let kind: Kind
    package let labels: [String]
    package let help: String

    private init(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }

    // Of functions.
    static let calls = Metric(
        "faas_calls_total", .counter, labels: ["function", "outcome"], "Calls that have ended, by outcome.")
    static let coldStarts = Metric(
        "faas_cold_starts_total", .counter, labels: ["function"], "Calls that waited for a worker to be made.")
    static let handler = Metric(
        "faas_handler_seconds", .histogram, labels: ["function"], "Time of calls in a worker.")
    static let eventBytes = Metric("faas_event_bytes_total", .counter, labels: ["function"], "Bytes of events.")
    static let resultBytes = Metric("faas_result_bytes_total", .counter, labels: ["function"], "Bytes of results.")
    static let logLines = Metric(
        "faas_log_lines_total", .counter, labels: ["function"], "Lines that functions wrote.")
    static let retired = Metric(
        "faas_workers_retired_total", .counter, labels: ["function", "reason"],
        "Workers replaced because their state could not be put back after a call.")

    // Of the host's calls together.
    static let queue = Metric(
        "faas_queue_seconds", .histogram, "Time that calls waited for a worker, loading excluded.")
    static let load = Metric(
        "faas_load_seconds", .histogram, "Time that cold calls waited for a worker to be made and to load.")
    static let refused = Metric(
        "faas_calls_refused_total", .counter, labels: ["reason"], "Calls refused because there was too much to do.")
    static let endedForMemory = Metric(
        "faas_calls_ended_for_memory_total", .counter, "Calls ended because functions used more memory than there is.")

    // Of workers.
    static let workers = Metric("faas_workers", .gauge, labels: ["state"], "Worker processes, by state.")
    static let workerEnds = Metric(
        "faas_worker_ends_total", .counter, labels: ["reason"], "Worker processes that have ended, by reason.")
    static let evictedReady = Metric(
        "faas_ready_workers_evicted_total", .counter, "Workers that were kept ready and ended because of others.")
    static let queueDepth = Metric("faas_queue_depth", .gauge, "Calls that wait for a worker.")
    static let workerMemory = Metric(
        "faas_worker_memory_bytes", .gauge, labels: ["kind"],
        "Memory of workers: promised to them, used as last seen, and the limit of what may be promised.")

    // Of the host.
    static let hostMemory = Metric(
        "faas_host_memory_bytes", .gauge, labels: ["kind"],
        "The host's budget for bodies, queues, log lines and caches: used, and its limit.")
    static let functionsInMemory = Metric(
        "faas_functions_in_memory", .gauge, "Stored functions that the host has in memory.")
    static let connections = Metric("faas_connections", .gauge, "Open connections of clients.")
    static let connectionsRefused = Metric(
        "faas_connections_refused_total", .counter, "Connections refused because too many were open.")
    static let recordsLost = Metric(
        "faas_records_lost_total", .counter, labels: ["reason"],
        "Log lines and records of calls that could not be written to files.")
    static let ready = Metric("faas_ready", .gauge, "1 if GET /ready answers 200.")

    // Of the host's process; names as other programs have them.
    static let processorTime = Metric(
        "process_cpu_seconds_total", .counter, "Processor time of the host, without its workers.")
    static let residentMemory = Metric(
        "process_resident_memory_bytes", .gauge, "Memory of the host, without its workers.")
    static let openFiles = Metric("process_open_fds", .gauge, "Descriptors that the host has open.")
    static let startTime = Metric(
        "process_start_time_seconds", .gauge, "When the host started, in seconds since 1970.")

    package static let all = [
        calls, coldStarts, handler, eventBytes, resultBytes, logLines, retired, queue, load, refused, endedForMemory,
        workers, workerEnds, evictedReady, queueDepth, workerMemory, hostMemory, functionsInMemory, connections,
        connectionsRefused, recordsLost, ready, processorTime, residentMemory, openFiles, startTime,
    ]
}
