import ArgumentParser
import Logging
import PolyglotFaaS

extension SandboxMode: ExpressibleByArgument {}

/// How much of the sandbox there must be.
struct SandboxOption: ParsableArguments {
    @Option(
        name: .customLong("sandbox"),
        help: ArgumentHelp(
            "required: refuse to run if a layer is missing; best-effort: all layers that this machine offers; off: none, for code that you trust.",
            valueName: "mode"))
    var mode = SandboxMode.bestEffort

    /// Says once what is weaker than it could be.
    static func warn(_ runtime: FunctionRuntime, to logger: Logger) {
        if runtime.configuration.sandbox == .off {
            return logger.warning(
                "THE SANDBOX IS OFF: functions may do whatever the user who started this host may do.")
        }
        for report in runtime.sandboxReports {
            for weakness in report.weaknesses {
                logger.warning("The sandbox of \(report.language.name) is weaker than it could be: \(weakness)")
            }
        }
    }
}
