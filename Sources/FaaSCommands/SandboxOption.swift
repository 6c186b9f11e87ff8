import ArgumentParser
import FunctionModel
import FunctionService
import Logging
import PolyglotFaaS

extension SandboxMode: ExpressibleByArgument {}

/// How much of the sandbox there must be.
struct SandboxOption: ParsableArguments {
    @Option(
        name: .customLong("sandbox"),
        help: ArgumentHelp(
            "required: refuse to run if a layer is missing; best-effort: all layers that this machine offers; off: "
                + "none, for code that you trust.",
            valueName: "mode"))
    var mode = SandboxMode.bestEffort

    /// Says once what is weaker than it could be.
    static func warn(_ health: ServiceHealth, to logger: Logger) {
        if health.sandbox == SandboxMode.off.rawValue {
            return logger.warning(
                "THE SANDBOX IS OFF: functions may do whatever the user who started this host may do.")
        }
        for language in health.languages {
            let name = (try? Language(id: language.languageID))?.name ?? language.languageID
            for layer in language.layers where layer.state != "active" {
                logger.warning(
                    "The sandbox of \(name) is weaker than it could be: \(layer.name) (\(layer.state)): \(layer.detail)"
                )
            }
        }
    }
}
