import FunctionModel
import Synchronization

/// Counts what invocations do, for each function and altogether. A call of a function that is known takes one lock and
/// allocates nothing.
package final class InvocationMetrics: InvocationObserver {
    /// How a call ended, in as many kinds as an operator distinguishes.
    package enum Outcome: String, CaseIterable, Sendable {
        case result
        /// The handler threw.
        case handlerError = "handler_error"
        /// The source does not load, or has no such handler.
        case loadError = "load_error"
        /// The result has no JSON form.
        case invalidResult = "invalid_result"
        /// The deadline passed.
        case timeout
        /// More memory, processor time, threads or processes than the limits.
        case limit
        /// The worker ended, or sent what it must not.
        case crash
        /// The request is wrong.
        case invalidRequest = "invalid_request"
        /// The host or the function has too much to do, or the host stops.
        case refused
        /// The host is wrong.
        case hostError = "host_error"
        /// The client disconnected, or the caller cancelled.
        case cancelled

        init(_ outcome: InvocationRecord.Outcome) {
            switch outcome {
            case .result: self = .result
            case .cancelled: self = .cancelled
            case .failure(let error): self.init(error)
            }
        }

        private init(_ error: any FunctionError) {
            switch (error.kind, error) {
            case (_, is HandlerError): self = .handlerError
            case (_, is InvocationTimeout): self = .timeout
            case (.caller, _): self = .invalidRequest
            case (.capacity, _): self = .refused
            case (.host, _): self = .hostError
            case (_, is LoadError), (_, is HandlerNotFound): self = .loadError
            case (_, is ResultNotSerializable): self = .invalidResult
            case (_, is MemoryLimitExceeded), (_, is CPULimitExceeded), (_, is TooManyThreads),
                (_, is TooManyProcesses):
                self = .limit
            default: self = .crash
            }
        }
    }

    /// Why calls were refused.
    package enum Refusal: String, CaseIterable, Sendable {
        case functionQueue = "function_queue"
        case host
        case failingFunction = "failing_function"
        case shutdown

        init?(_ error: any FunctionError) {
            switch error {
            case is TooManyRequests: self = .functionQueue
            case is BackedOff: self = .failingFunction
            case is ShuttingDown: self = .shutdown
            case _ where error.kind == .capacity: self = .host
            default: return nil
            }
        }
    }

    /// Functions with counters of their own. Calls of others are counted together.
    package static let maximumFunctions = 1000

    /// What is counted for each function: the places of its counters, one after the other.
    private enum Place {
        static let outcomes = 0
        static let coldStarts = Outcome.count
        static let eventBytes = coldStarts + 1
        static let resultBytes = coldStarts + 2
        static let logLines = coldStarts + 3
        static let retired = coldStarts + 4
        static let handler = retired + WorkerEnd.Retirement.allCases.count
        static let count = handler + Histogram.places
    }

    private struct State {
        /// The number of each function; 0 is for all others.
        var numbers: [FunctionID: Int] = [:]
        var names: [FunctionID] = []
        var counters = [UInt64](repeating: 0, count: Place.count)
        var queue = [UInt64](repeating: 0, count: Histogram.places)
        var load = [UInt64](repeating: 0, count: Histogram.places)
        var refusals = [UInt64](repeating: 0, count: Refusal.allCases.count)
        var workerEnds: [WorkerEnd.Reason: UInt64] = [:]

        /// The place of a function's first counter.
        mutating func place(of function: FunctionID) -> Int {
            if let number = numbers[function] { return number * Place.count }
            guard names.count < InvocationMetrics.maximumFunctions else { return 0 }
            names.append(function)
            numbers[function] = names.count
            counters.append(contentsOf: repeatElement(0, count: Place.count))
            return names.count * Place.count
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {
        let outcome = Outcome(record.outcome)
        let refusal: Refusal? = if case .failure(let error) = record.outcome { Refusal(error) } else { nil }
        state.withLock { state in
            let place = state.place(of: record.functionID)
            state.counters[place + Place.outcomes + outcome.number] &+= 1
            state.counters[place + Place.eventBytes] &+= UInt64(clamping: record.eventBytes)
            state.counters[place + Place.resultBytes] &+= UInt64(clamping: record.resultBytes)
            if let refusal { state.refusals[refusal.number] &+= 1 }
            Histogram.add(record.queueNanos, to: &state.queue, at: 0)
            if record.isCold {
                state.counters[place + Place.coldStarts] &+= 1
                Histogram.add(record.loadNanos, to: &state.load, at: 0)
            }
            // A call that no worker took has no time in its handler.
            if record.handlerNanos > 0 {
                Histogram.add(record.handlerNanos, to: &state.counters, at: place + Place.handler)
            }
        }
    }

    package func invocationLogged(_ line: LogLine, of invocation: InvocationIdentity) {
        state.withLock { state in
            let place = state.place(of: invocation.functionID)
            state.counters[place + Place.logLines] &+= 1
        }
    }

    package func workerEnded(_ end: WorkerEnd) {
        state.withLock { state in
            state.workerEnds[end.reason, default: 0] &+= 1
            guard let retirement = end.retirement else { return }
            let place = state.place(of: end.functionID)
            state.counters[place + Place.retired + retirement.number] &+= 1
        }
    }

    // MARK: Reading

    package struct Snapshot: Sendable {
        package struct FunctionCounters: Sendable {
            /// nil: all functions without counters of their own.
            package let function: FunctionID?
            fileprivate let counters: ArraySlice<UInt64>

            private func counter(_ place: Int) -> UInt64 { counters[counters.startIndex + place] }

            package func calls(_ outcome: Outcome) -> UInt64 { counter(Place.outcomes + outcome.number) }
            package var coldStarts: UInt64 { counter(Place.coldStarts) }
            package var eventBytes: UInt64 { counter(Place.eventBytes) }
            package var resultBytes: UInt64 { counter(Place.resultBytes) }
            package var logLines: UInt64 { counter(Place.logLines) }
            package func retired(_ reason: WorkerEnd.Retirement) -> UInt64 { counter(Place.retired + reason.number) }
            package var handler: Histogram { Histogram(counters.dropFirst(Place.handler).prefix(Histogram.places)) }
        }

        package let functions: [FunctionCounters]
        package let queue: Histogram
        package let load: Histogram
        fileprivate let refusals: [UInt64]
        fileprivate let workerEnds: [WorkerEnd.Reason: UInt64]

        package func refused(_ reason: Refusal) -> UInt64 { refusals[reason.number] }
        package func workerEnds(_ reason: WorkerEnd.Reason) -> UInt64 { workerEnds[reason] ?? 0 }
    }

    package var snapshot: Snapshot {
        let state = state.withLock { $0 }
        return Snapshot(
            functions: (0...state.names.count).map { number in
                .init(
                    function: number == 0 ? nil : state.names[number - 1],
                    counters: state.counters[number * Place.count..<(number + 1) * Place.count])
            },
            queue: Histogram(state.queue[...]), load: Histogram(state.load[...]), refusals: state.refusals,
            workerEnds: state.workerEnds)
    }
}

/// Times in classes, as Prometheus has them.
package struct Histogram: Sendable {
    /// The upper ends of the classes, in nanoseconds; one more class has no end.
    package static let bounds: [Int64] = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000,
    ]

    /// A counter for each class, and the sum of nanoseconds.
    static let places = bounds.count + 2

    /// How many times are in each class, without those of the classes below.
    package let counts: [UInt64]
    package let sumNanos: UInt64

    init(_ counters: ArraySlice<UInt64>) {
        counts = Array(counters.dropLast())
        sumNanos = counters.last ?? 0
    }

    static func add(_ nanos: Int64, to counters: inout [UInt64], at place: Int) {
        let number = bounds.firstIndex { nanos <= $0 } ?? bounds.count
        counters[place + number] &+= 1
        counters[place + places - 1] &+= UInt64(clamping: nanos)
    }
}

extension CaseIterable where Self: Equatable {
    fileprivate static var count: Int { allCases.count }
}

extension InvocationMetrics.Outcome {
    /// Its place in `allCases`, without searching: the cases are declared in this order.
    fileprivate var number: Int {
        switch self {
        case .result: 0
        case .handlerError: 1
        case .loadError: 2
        case .invalidResult: 3
        case .timeout: 4
        case .limit: 5
        case .crash: 6
        case .invalidRequest: 7
        case .refused: 8
        case .hostError: 9
        case .cancelled: 10
        }
    }
}

extension InvocationMetrics.Refusal {
    fileprivate var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension WorkerEnd.Retirement {
    fileprivate var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
