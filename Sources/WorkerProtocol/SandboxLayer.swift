/// One layer of the sandbox, and whether it works on this machine. The zygote tries it.
public struct SandboxLayer: Equatable, Sendable {
    public enum Name: UInt8, CaseIterable, Sendable {
        case privileges = 1
        case namespaces = 2
        case root = 3
        case files = 4
        case network = 5
        case signals = 6
        case limits = 7
        case systemCalls = 8

        public var text: String { "\(self)" }

        public init?(text: String) {
            guard let name = Self.allCases.first(where: { $0.text == text }) else { return nil }
            self = name
        }
    }

    public enum State: UInt8, Sendable {
        case active = 1
        /// The layer works, but confines less than it could.
        case degraded = 2
        case missing = 3

        public var text: String { "\(self)" }
    }

    public var name: Name
    public var state: State
    /// What the layer confines, or why it does not.
    public var detail: String

    public init(_ name: Name, _ state: State, _ detail: String) {
        self.name = name
        self.state = state
        self.detail = detail
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        guard let name = Name(rawValue: try reader.readInteger("layer")) else { throw .invalidValue(field: "layer") }
        guard let state = State(rawValue: try reader.readInteger("layer's state")) else {
            throw .invalidValue(field: "layer's state")
        }
        self.init(name, state, try reader.readString("layer's detail"))
    }

    func write(to writer: inout ByteWriter) {
        writer.write(name.rawValue)
        writer.write(state.rawValue)
        writer.write(detail)
    }
}
