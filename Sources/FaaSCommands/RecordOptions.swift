import ArgumentParser
import FunctionModel
import FunctionService
import Telemetry

/// Which records a command shows.
struct RecordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The first moment: a time such as 2026-11-30T14:03:00Z, or a time before now such as 30s, 10m, 2h or 7d.",
            valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("The end, in the same form.", valueName: "time"))
    var until: String?
    @Option(help: ArgumentHelp("Only of the call with this request id.", valueName: "id"))
    var request: String?
    @Option(help: ArgumentHelp("The most records to show: the latest ones.", valueName: "number"))
    var limit = 100

    func validate() throws {
        try OptionRange.check("--limit", limit, 1...RecordQuery.largestLimit)
        do {
            _ = try query
        } catch {
            throw ValidationError(error.message)
        }
    }

    var query: RecordQuery {
        get throws(InvalidRequest) {
            var query = RecordQuery()
            if let since { query.since = try Timestamp(since, parameter: "--since") }
            if let until { query.until = try Timestamp(until, parameter: "--until") }
            query.requestID = request
            query.limit = limit
            return query
        }
    }
}

extension StoreOptions {
    /// - Throws: `FunctionNotFound` if the function is not stored and nothing has been recorded of it.
    func checkRecords(of id: FunctionID) async throws {
        _ = try await checkDirectory()
        if !records.exist(of: id) { _ = try await deployments.load(id) }
    }
}
