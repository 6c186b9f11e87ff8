import ArgumentParser
import FunctionModel
import FunctionService
import Telemetry

struct Calls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the calls of a function: when, how long, and why they failed.",
        discussion: """
            Reads the files in which 'faas serve' records calls. Milliseconds are in the queue, for loading, and in the \
            handler.

            EXAMPLES
              faas calls hello
              faas calls hello --failed --since 1d
              faas calls hello --failed --since 2026-11-29T14:00:00Z --until 2026-11-29T14:10:00Z
            """)

    @Argument(help: "The function's id.")
    var id: String
    @Flag(help: "Only calls that failed.")
    var failed = false
    @OptionGroup var options: RecordOptions
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        do {
            let id = try FunctionID(id)
            try await storeOptions.checkRecords(of: id)
            var query = try options.query
            query.failedOnly = failed
            for call in try await storeOptions.records.calls(of: id, query) {
                if json.isJSON { Output.line(call.jsonText) } else { show(call) }
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }

    private func show(_ call: CallRecord) {
        if call.outcome == .leftOut {
            Output.line("\(call.time) [\(call.count) more \(call.haveFailed ? "failed " : "")calls in one second]")
            return
        }
        let times = [call.queueNanos, call.loadNanos, call.handlerNanos].map(Milliseconds.text(nanos:))
        var words = [
            "\(call.time)", call.status == 0 ? call.outcome.rawValue : "\(call.status)",
            LogText.escaped(call.requestID),
            "\(times.joined(separator: "+"))ms", "\(call.eventBytes)->\(call.resultBytes)B",
        ]
        if call.isCold { words.append("cold") }
        if let failure = call.failure {
            words.append("\(LogText.escaped(failure.errorType)): \(LogText.escaped(failure.message))")
        }
        Output.line(words.joined(separator: " "))
        for line in call.failure?.stackTrace ?? [] { Output.line("    \(LogText.escaped(line))") }
    }
}
