import FunctionModel
import HostMemory
import Synchronization

/// What functions write, while their calls run: the latest lines of each function in memory, all lines to files, and
/// each line to those that follow the function.
package final class FunctionLogs: InvocationObserver {
    /// The most lines of one function in memory.
    package static let linesPerFunction = 1000
    /// The most bytes of them.
    static let bytesPerFunction = 512 << 10
    /// The most bytes of all functions together, whatever the host's memory is.
    static let largestTotal = 64 << 20

    /// A function's latest lines, the oldest first.
    private struct Recent {
        var lines: [LogRecord] = []
        /// Lines before this one have been dropped.
        var first = 0
        var bytes = 0
        var lastTime = Timestamp(microseconds: 0)

        var count: Int { lines.count - first }

        mutating func append(_ line: LogRecord) {
            lines.append(line)
            bytes += line.cost
            lastTime = line.time
        }

        /// Returns the bytes that are free now.
        mutating func dropFirst() -> Int {
            let cost = lines[first].cost
            first += 1
            bytes -= cost
            if first >= 64, first * 2 >= lines.count {
                lines.removeFirst(first)
                first = 0
            }
            return cost
        }
    }

    private struct State {
        var functions: [FunctionID: Recent] = [:]
        var followers: [FunctionID: [LogFollower]] = [:]
        var followerCount = 0
        var lastTime: Int64 = 0
        var bytes = 0
        var memory: ByteBudget?
        var limit = FunctionLogs.largestTotal
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let writer: RecordWriter?
    private let now: @Sendable () -> Timestamp

    /// - Parameter writer: nil: lines are in memory only.
    package init(writer: RecordWriter?, now: @escaping @Sendable () -> Timestamp = Timestamp.now) {
        self.writer = writer
        self.now = now
    }

    /// The budget that lines in memory draw from: an eighth of it at most.
    package func draw(from memory: ByteBudget) {
        state.withLock { state in
            state.memory = memory
            state.limit = min(Self.largestTotal, memory.limit / 8)
        }
        writer?.draw(from: memory)
    }

    // MARK: Lines

    package func invocationEnded(_ record: InvocationRecord, logs: [LogLine]) {}

    package func invocationLogged(_ line: LogLine, of invocation: InvocationIdentity) {
        var record = LogRecord(
            time: now(), level: line.level, text: line.text, requestID: invocation.requestID,
            functionID: invocation.functionID, revision: invocation.revision)
        let followers = state.withLock { state -> [LogFollower] in
            // Different for each line, so that it can be told apart from the same line in a file.
            state.lastTime = max(state.lastTime + 1, record.time.microseconds)
            record.time = Timestamp(microseconds: state.lastTime)
            Self.keep(record, &state)
            return state.followers.isEmpty ? [] : state.followers[record.functionID] ?? []
        }
        for follower in followers { follower.add(record) }
        writer?.write(record)
    }

    private static func keep(_ record: LogRecord, _ state: inout State) {
        let cost = record.cost
        guard cost <= bytesPerFunction else { return }
        if state.bytes + cost > state.limit { forgetOldest(&state) }
        var recent = state.functions.removeValue(forKey: record.functionID) ?? Recent()
        while recent.count > 0, recent.count >= linesPerFunction || recent.bytes + cost > bytesPerFunction {
            release(recent.dropFirst(), &state)
        }
        while state.bytes + cost > state.limit || state.memory?.reserve(cost) == false {
            // The host needs its memory for calls. The file has the line.
            guard recent.count > 0 else { return }
            release(recent.dropFirst(), &state)
        }
        state.bytes += cost
        recent.append(record)
        state.functions[record.functionID] = recent
    }

    private static func release(_ bytes: Int, _ state: inout State) {
        state.bytes -= bytes
        state.memory?.release(bytes)
    }

    /// Forgets the functions that have not written for longest, until an eighth is free.
    private static func forgetOldest(_ state: inout State) {
        for (id, recent) in state.functions.sorted(by: { $0.value.lastTime < $1.value.lastTime }) {
            guard state.bytes > state.limit - state.limit / 8 else { return }
            state.functions[id] = nil
            release(recent.bytes, &state)
        }
    }

    // MARK: Reading

    /// The latest lines in memory that the query wants, oldest first.
    package func recent(of function: FunctionID, _ query: RecordQuery) -> [LogRecord] {
        let lines = state.withLock { state in
            state.functions[function].map { Array($0.lines[$0.first...]) } ?? []
        }
        return lines.filter(query.wants).suffix(query.limit)
    }

    /// Bytes of lines in memory.
    package var bytesInMemory: Int { state.withLock { $0.bytes } }

    // MARK: Following

    /// The most followers of all functions together.
    package static let maximumFollowers = 64

    /// Follows a function from now on.
    /// - Parameter query: `since`, `until` and `limit` do not count.
    package func follow(_ function: FunctionID, _ query: RecordQuery) throws(Overloaded) -> LogFollower {
        let follower = LogFollower(query)
        let isAdmitted = state.withLock { state in
            guard state.followerCount < Self.maximumFollowers else { return false }
            state.followerCount += 1
            state.followers[function, default: []].append(follower)
            if state.hasEnded { follower.end() }
            return true
        }
        guard isAdmitted else {
            throw Overloaded("\(Self.maximumFollowers) clients follow logs already. Try again later.")
        }
        return follower
    }

    package func stopFollowing(_ function: FunctionID, _ follower: LogFollower) {
        state.withLock { state in
            guard var others = state.followers.removeValue(forKey: function) else { return }
            let before = others.count
            others.removeAll { $0 === follower }
            state.followerCount -= before - others.count
            if !others.isEmpty { state.followers[function] = others }
        }
        follower.end()
    }

    /// Ends all followers, now and later: the host stops.
    package func endFollowers() {
        let followers = state.withLock { state in
            state.hasEnded = true
            return state.followers.values.flatMap(\.self)
        }
        for follower in followers { follower.end() }
    }
}

/// One reader that gets a function's lines while they are written. What it does not take in time is dropped, and
/// counted.
package final class LogFollower: Sendable {
    private struct State {
        var lines: [LogRecord] = []
        var bytes = 0
        var dropped = 0
    }

    /// What has come since the last time.
    package struct Batch: Sendable {
        package let lines: [LogRecord]
        /// Lines that were dropped after these.
        package let dropped: Int
    }

    static let maximumBytes = 1 << 20

    private let state = Mutex(State())
    private let query: RecordQuery
    /// Has an element when there may be something to ``take()``. It ends with the follower.
    package let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(_ query: RecordQuery) {
        var query = query
        (query.since, query.until) = (nil, nil)
        self.query = query
        (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ record: LogRecord) {
        guard query.wants(record) else { return }
        state.withLock { state in
            guard state.bytes + record.cost <= Self.maximumBytes, state.dropped == 0 else {
                state.dropped += 1
                return
            }
            state.bytes += record.cost
            state.lines.append(record)
        }
        continuation.yield()
    }

    package func take() -> Batch {
        state.withLock { state in
            defer { state = State() }
            return Batch(lines: state.lines, dropped: state.dropped)
        }
    }

    /// Makes ``changes`` have an element.
    package func wake() { continuation.yield() }

    package func end() { continuation.finish() }
}
