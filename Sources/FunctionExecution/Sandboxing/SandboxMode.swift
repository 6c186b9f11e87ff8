import FunctionModel
import WorkerProtocol

/// Which layers of the sandbox are required.
public enum SandboxMode: String, CaseIterable, Sendable {
    /// All layers. Where one is missing, no function runs.
    case required
    /// All layers that this machine offers. Missing ones are reported (``FunctionRuntime/sandboxReports``).
    case bestEffort = "best-effort"
    /// No layers. Functions may do everything that the user who started the host may do: for trusted functions only.
    case off
}

/// The sandbox of one language's workers, and which of its layers work on this machine.
public struct SandboxReport: Equatable, Sendable {
    public struct Layer: Equatable, Sendable {
        /// `privileges`, `namespaces`, `root`, `files`, `network`, `signals`, `limits` or `systemCalls`.
        public let name: String
        /// `active`, `degraded` or `missing`.
        public let state: String
        /// What the layer confines, or why it does not.
        public let detail: String

        public var isActive: Bool { state == SandboxLayer.State.active.text }
    }

    public let language: Language
    public let engine: String
    /// Empty if the sandbox is off.
    public let layers: [Layer]

    /// The layers that are missing or degraded, one sentence each.
    public var weaknesses: [String] {
        layers.filter { !$0.isActive }.map { "\($0.name) (\($0.state)): \($0.detail)" }
    }

    init(language: Language, engine: String, layers: [SandboxLayer]) {
        self.language = language
        self.engine = engine
        self.layers = layers.map { Layer(name: $0.name.text, state: $0.state.text, detail: $0.detail) }
    }
}

/// The sandbox settings that a zygote is started with.
package struct SandboxRequest: Sendable {
    var mode: SandboxMode = .bestEffort
    /// Layers to leave out. Only tests use it, to see what the other layers deny alone.
    var without: Set<SandboxLayer.Name> = []

    package var wantsNamespaces: Bool { mode != .off && !without.contains(.namespaces) }

    package var arguments: [String] {
        ["--sandbox=\(mode.rawValue)"]
            + (without.isEmpty ? [] : ["--without=" + without.map(\.text).sorted().joined(separator: ",")])
    }
}
