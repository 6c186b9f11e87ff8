import FunctionModel

/// One field of a function: what manifests, stored functions, revisions, listings and the documentation know of it.
///
/// ``all`` has them all. To add a field, add a line there and use the value.
package struct FunctionField: Sendable {
    typealias Path<Value> = any WritableKeyPath<FunctionDefinition, Value> & Sendable
    package typealias Capability = any KeyPath<Language.Capabilities, Bool> & Sendable

    /// What a field holds, and where in a definition it is.
    enum Kind: Sendable {
        /// The function's id, which is not in the definition.
        case id
        case language
        case text(Path<String>)
        case flag(Path<Bool>)
        /// From 1 to a maximum.
        case limit(any WritableKeyPath<FunctionLimits, Int?> & Sendable, maximum: Int)
        /// Zero or less: no limit.
        case milliseconds(Path<Int?>, maximum: Int)
        case choice(Choice)
        /// Text by name.
        case texts(Path<[String: String]>)
        /// Variables of the environment.
        case variables(Path<[String: String]>)
        case events(Path<[JSONValue]>, maximum: Int)
        case cors(Path<CORS>, maximum: Int)
        /// Names of secrets.
        case secretNames(Path<[String]>, maximum: Int)
        /// The name of an artifact.
        case artifact(Path<String?>)
        /// A field of a manifest that ``ManifestReader`` makes other fields from. What it looks like.
        case source(String)
    }

    /// One of a few texts.
    struct Choice: Sendable {
        let values: [String]
        let get: @Sendable (FunctionDefinition) -> String
        let set: @Sendable (inout FunctionDefinition, String) -> Void

        init<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(_ path: Path<Value>) {
            values = Value.allCases.map(\.rawValue)
            get = { $0[keyPath: path].rawValue }
            set = { definition, text in
                if let value = Value(rawValue: text) { definition[keyPath: path] = value }
            }
        }
    }

    /// Where a field appears.
    package struct Forms: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let manifest = Forms(rawValue: 1)
        /// In stored functions, if it is not the default.
        package static let stored = Forms(rawValue: 2)
        /// In stored functions, also if it is the default: GraalFaaS reads these.
        package static let alwaysStored = Forms(rawValue: 4)
        /// In `faas list --json`.
        package static let listing = Forms(rawValue: 8)
    }

    /// How a field is part of a function's revision.
    enum Revision: Sendable {
        case none
        case always
        /// Only if it is not the default, after its name: functions without it keep the revision that they had before
        /// there was this field. Every new field is one of these.
        case whenSet
        /// The fields of one group are encoded together, after the group's name, if any is set.
        case group(String)
    }

    package let name: String
    let kind: Kind
    package let forms: Forms
    let revision: Revision
    /// What a language needs to have for this field; nil: every language has it.
    let capability: Capability?
    /// For the documentation: the default and the meaning.
    let defaultText: String
    let meaning: String

    init(
        _ name: String, _ kind: Kind, in forms: Forms, revision: Revision = .none, for capability: Capability? = nil,
        default defaultText: String = "", _ meaning: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.forms = forms
        self.revision = revision
        self.capability = capability
        self.defaultText = defaultText
        self.meaning = meaning
    }

    static func all(in form: Forms) -> [FunctionField] { all.filter { !$0.forms.isDisjoint(with: form) } }
}

extension FunctionField.Kind {
    static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
        _ path: FunctionField.Path<Value>
    ) -> Self {
        .choice(FunctionField.Choice(path))
    }
}
