import ArgumentParser
import Builds
import FunctionModel
import PolyglotFaaS

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what confines and builds functions on this machine, and what to do about what is missing.",
        discussion: """
            Starts each engine as 'faas serve' does. A child of each tries what workers must not be able to do, so \
            what is reported
            is what holds here, not what the kernel's version promises. The exit code is 1 if anything is missing that
            'faas serve --sandbox required' needs.

            EXAMPLES
              faas doctor
              faas doctor --json
            """)

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    private struct Finding {
        let language: Language
        let report: SandboxReport?
        let problem: (any Error)?
    }

    func run() async throws {
        // As 'faas serve' asks for them.
        var configuration = FunctionRuntime.Configuration()
        configuration.usesControlGroups = true
        let runtime = FunctionRuntime(configuration: configuration)
        var findings: [Finding] = []
        for language in Language.all {
            do {
                try await runtime.start([language])
                findings.append(
                    Finding(
                        language: language, report: runtime.sandboxReports.first { $0.language == language },
                        problem: nil))
            } catch {
                findings.append(Finding(language: language, report: nil, problem: error))
            }
        }
        let directories = runtime.workerDirectories
        let tools = ScriptBuilds(runtime.configuration).tools
        let groups = runtime.controlGroupReport
        await runtime.shutDown()
        let isWell = findings.allSatisfy { $0.report?.weaknesses.isEmpty == true }
        if json.isJSON {
            showJSON(findings, groups, tools, directories, isWell)
        } else {
            showText(findings, groups, tools, directories, isWell)
        }
        if !isWell { throw ExitCode.failure }
    }

    private func showJSON(
        _ findings: [Finding], _ groups: SandboxReport.Layer, _ tools: BuildTools, _ directories: [String],
        _ isWell: Bool
    ) {
        Output.json([
            "ready": .bool(isWell), "version": .string(Faas.version),
            "dataDirectory": .string(storeOptions.dataDirectory),
            "workerDirectories": .array(directories.map { .string($0) }),
            "languages": .array(
                findings.map { finding in
                    var object: [String: JSONValue] = ["languageId": .string(finding.language.id)]
                    if let report = finding.report {
                        object["engine"] = .string(report.engine)
                        object["layers"] = report.layersAsJSON
                    }
                    if let problem = finding.problem {
                        object["error"] = .string("\((problem as? any FunctionError)?.message ?? "\(problem)")")
                    }
                    return .object(object)
                }),
            "controlGroups": groups.asJSON, "builds": tools.asJSON,
        ])
    }

    private func showText(
        _ findings: [Finding], _ groups: SandboxReport.Layer, _ tools: BuildTools, _ directories: [String],
        _ isWell: Bool
    ) {
        Output.line("faas \(Faas.version)")
        Output.line("functions: \(storeOptions.dataDirectory)")
        Output.line("workers:   \(directories.joined(separator: ", "))")
        for finding in findings {
            Output.line("")
            guard let report = finding.report else {
                Output.line(
                    "\(finding.language.name): \((finding.problem as? any FunctionError)?.message ?? "does not start")")
                continue
            }
            Output.line("\(finding.language.name): \(report.engine)")
            for layer in report.layers {
                Output.line("  \(pad(layer.name, 12)) \(pad(layer.state, 9)) \(layer.detail)")
                if !layer.isActive, let advice = Self.advice[layer.name] {
                    Output.line("  \(pad("", 22)) -> \(advice)")
                }
            }
        }
        Output.line("")
        Output.line("Control groups, one for each worker")
        Output.line("  \(pad("cgroup v2", 12)) \(pad(groups.state, 9)) \(groups.detail)")
        if !groups.isActive { Output.line("  \(pad("", 22)) -> \(Self.controlGroupAdvice)") }
        Output.line("")
        Output.line("Builds of JavaScript modules, TypeScript, packages, and scripts that use Node's modules")
        switch tools.esbuild {
        case .success(let esbuild): Output.line("  \(pad("esbuild", 22)) \(pad(esbuild.version, 9)) \(esbuild.path)")
        case .failure(let error): Output.line("  \(pad("esbuild", 22)) \(pad("missing", 9)) \(error.message)")
        }
        for package in tools.nodePackages {
            Output.line(
                "  \(pad(package.name, 22)) \(pad(package.version ?? "missing", 9)) for the module '\(package.module)'")
            if package.version == nil { Output.line("  \(pad("", 32)) -> apt install \(package.name)") }
        }
        Output.line("")
        Output.line(
            isWell
                ? "All layers are active: 'faas serve --sandbox required' runs here."
                : "'faas serve --sandbox required' refuses to run here. Without the option, functions run with the "
                    + "layers that are active."
        )
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static let controlGroupAdvice =
        "systemd: Delegate=yes; a container: --cgroupns=private and a writable /sys/fs/cgroup. Nothing else depends on "
        + "it."

    /// What to do about a layer that is not active.
    private static let advice = [
        "privileges": "start faas as an ordinary user, or as root with CAP_SETUID",
        "namespaces":
            "allow user namespaces: sysctl user.max_user_namespaces and kernel.unprivileged_userns_clone; in a "
            + "container, a seccomp profile that allows clone with CLONE_NEWUSER, and an unmasked /proc",
        "root": "needs namespaces, and Linux 5.12",
        "files": "use Linux 5.13 or later with Landlock among the kernel's security modules (lsm=landlock,...)",
        "network": "allow namespaces, or use Linux 6.7 for Landlock's rules for TCP",
        "signals": "use Linux 6.12 or later",
        "limits": "see the detail",
        "systemCalls": "use a kernel with CONFIG_SECCOMP_FILTER; nothing here is safe without it",
    ]
}

extension BuildTools {
    fileprivate var asJSON: JSONValue {
        let tool: JSONValue =
            switch esbuild {
            case .success(let tool): ["path": .string(tool.path), "version": .string(tool.version)]
            case .failure(let error): ["error": .string(error.message)]
            }
        let packages = nodePackages.map { package -> JSONValue in
            [
                "package": .string(package.name), "module": .string(package.module),
                "version": package.version.map { .string($0) } ?? .null,
            ]
        }
        return ["esbuild": tool, "nodePackages": .array(packages)]
    }
}

extension SandboxReport {
    var layersAsJSON: JSONValue {
        .array(layers.map(\.asJSON))
    }
}

extension SandboxReport.Layer {
    fileprivate var asJSON: JSONValue { ["name": .string(name), "state": .string(state), "detail": .string(detail)] }
}
