import FunctionModel
import WorkerProtocol

/// How much of the sandbox must be there.
public enum SandboxMode: String, CaseIterable, Sendable {
    /// A layer that this machine does not offer is an error: nothing runs.
    case required
    /// Every layer that this machine offers; what is missing is reported (``FunctionRuntime/sandboxReports``).
    case bestEffort = "best-effort"
    /// None. Functions may do whatever the user who started the host may do. For functions that are one's own.
    case off
}

/// What confines the workers of one language, as found by trying.
public struct SandboxReport: Equatable, Sendable {
    public struct Layer: Equatable, Sendable {
        /// `privileges`, `namespaces`, `root`, `files`, `network`, `signals`, `limits` or `systemCalls`.
        public let name: String
        /// `active`, `degraded` or `missing`.
        public let state: String
        /// What it holds, or why it does not.
        public let detail: String

        public var isActive: Bool { state == SandboxLayer.State.active.text }
    }

    public let language: Language
    public let engine: String
    /// Empty if the sandbox is off.
    public let layers: [Layer]

    /// What is less than it could be, one sentence each.
    public var weaknesses: [String] {
        layers.filter { !$0.isActive }.map { "\($0.name) (\($0.state)): \($0.detail)" }
    }

    init(language: Language, engine: String, layers: [SandboxLayer]) {
        self.language = language
        self.engine = engine
        self.layers = layers.map { Layer(name: $0.name.text, state: $0.state.text, detail: $0.detail) }
    }
}

/// What a zygote is started with.
package struct SandboxRequest: Sendable {
    var mode: SandboxMode = .bestEffort
    /// Layers to leave out. For tests only: what the others hold alone.
    var without: Set<SandboxLayer.Name> = []

    package var wantsNamespaces: Bool { mode != .off && !without.contains(.namespaces) }

    package var arguments: [String] {
        ["--sandbox=\(mode.rawValue)"]
            + (without.isEmpty ? [] : ["--without=" + without.map(\.text).sorted().joined(separator: ",")])
    }
}
