import FunctionModel
import Synchronization
import WorkerProtocol

/// Counts workers whose state could not be put back, and tells the function's author once for each revision that this
/// happens again and again.
final class Retirements: Sendable {
    private struct State {
        var counts: [RetirementReason: Int] = [:]
        /// How many workers each function has lost.
        var lost: [Function: Int] = [:]
        var notices: [Function: RetirementReason] = [:]
    }

    /// Above this many functions, all are forgotten: some authors are told again.
    private static let maximumFunctions = 1000
    /// One worker lost is of no interest.
    private static let isFrequent = 3

    private let state = Mutex(State())

    var counts: [RetirementReason: Int] { state.withLock { $0.counts } }

    func note(_ function: Function, _ reason: RetirementReason) {
        state.withLock { state in
            state.counts[reason, default: 0] += 1
            if state.lost.count >= Self.maximumFunctions { (state.lost, state.notices) = ([:], [:]) }
            state.lost[function, default: 0] += 1
            if state.lost[function] == Self.isFrequent { state.notices[function] = reason }
        }
    }

    /// A line for the log of the function's next invocation, if there is one.
    func takeNotice(for function: Function) -> LogLine? {
        state.withLock { $0.notices.removeValue(forKey: function) }.map {
            LogLine(
                level: .warning,
                text: "[slow: workers of this function serve one call only, because \(Self.explanation($0))]")
        }
    }

    private static func explanation(_ reason: RetirementReason) -> String {
        switch reason {
        case .memory: "calls change their memory in a way that cannot be put back"
        case .threads:
            "a thread that the source starts while it loads ends in a call, or a thread does not stop"
        case .process: "calls change their process in a way that cannot be put back"
        case .loading:
            "the source opens something while it loads that cannot be put back after a call, such as a file that it "
                + "writes to. Open it in the handler"
        }
    }
}
