import ArgumentParser
import FunctionModel
import FunctionService
import Telemetry

struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a function has written.",
        discussion: """
            Reads the files in which 'faas serve' records the lines of functions.

            EXAMPLES
              faas logs hello
              faas logs -f hello
              faas logs hello --since 10m --level warning
              faas logs hello --request 01a214b5-6bcf-7455-a15c-ced9b14f72c5 --json
            """)

    @Argument(help: "The function's id.")
    var id: String
    @Flag(name: [.customShort("f"), .long], help: "Go on with new lines as they are written. Ctrl-C stops.")
    var follow = false
    @Option(
        help: ArgumentHelp("The least serious level to show: debug, info, warning, error.", valueName: "level"))
    var level: String?
    @OptionGroup var options: RecordOptions
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    func validate() throws {
        if let level, LogLine.Level(name: level) == nil {
            throw ValidationError("Invalid level '\(level)': give debug, info, warning or error.")
        }
        if follow, options.until != nil { throw ValidationError("Give --until or --follow, not both.") }
    }

    func run() async throws {
        do {
            let id = try FunctionID(id)
            try await storeOptions.checkRecords(of: id)
            var query = try options.query
            query.level = level.flatMap { LogLine.Level(name: $0) }
            // The tail first: a line that is written while the earlier ones are read is in one of the two.
            let tail = follow ? storeOptions.records.tail(of: id, query) : nil
            let earlier = try await storeOptions.records.lines(of: id, query)
            show(earlier)
            guard let tail else { return }
            let known = Set(earlier)
            while true {
                show(tail.poll().filter { !known.contains($0) })
                try await Task.sleep(for: .milliseconds(200))
            }
        } catch is CancellationError {
            return
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }

    /// Escaped for people, because a function could change what a terminal shows. JSON escapes control characters
    /// itself.
    private func show(_ lines: [LogRecord]) {
        for line in lines {
            Output.line(
                json.isJSON
                    ? line.jsonText
                    : "\(line.time) \(line.level) \(LogText.escaped(line.requestID)) \(LogText.escaped(line.text))")
        }
    }
}
