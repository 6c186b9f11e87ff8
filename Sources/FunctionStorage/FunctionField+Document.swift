import FunctionModel

/// A field in the documents that have it.
extension FunctionField {
    /// Reads the field into a definition, which keeps its default if the field is not given.
    /// - Parameter form: `.manifest`, or `.stored`, which takes what earlier versions have written.
    func read(_ fields: JSONFields, _ form: Forms, into definition: inout FunctionDefinition) throws(DocumentError) {
        guard fields.has(name) else { return }
        if form == .manifest, let capability, !definition.language.capabilities[keyPath: capability] {
            throw DocumentError("\(fields.subject(name)) is for \(Language.names(with: capability)) functions")
        }
        switch kind {
        case .id, .language, .source: break
        case .text(let path):
            guard let text = try fields.text(name) else { return }
            if form == .manifest, text.isEmpty { throw DocumentError("\(fields.subject(name)) must not be empty") }
            definition[keyPath: path] = text
        case .artifact(let path): definition[keyPath: path] = try fields.text(name)
        case .flag(let path):
            if let flag = try fields.flag(name) { definition[keyPath: path] = flag }
        case .limit(let path, let maximum):
            definition.limits[keyPath: path] = try fields.integer(name, 1...maximum)
        case .milliseconds(let path, let maximum):
            guard let value = try fields.integer(name) else { return }
            if form == .manifest, value > maximum {
                throw DocumentError("\(fields.subject(name)) must be at most \(maximum), not \(value)")
            }
            definition[keyPath: path] = min(value, maximum)
        case .choice(let choice):
            if let text = try fields.text(name, among: choice.values) { choice.set(&definition, text) }
        case .texts(let path):
            guard let entries = try fields.object(name) else { return }
            for entry in entries.names { definition[keyPath: path][entry] = try entries.requiredText(entry) }
        case .variables(let path): definition[keyPath: path] = try fields.variables(name)
        case .events(let path, let maximum): definition[keyPath: path] = try fields.events(name, maximum: maximum)
        case .cors(let path, let maximum):
            definition[keyPath: path] = try fields.cors(name, form, maximum: maximum)
        case .secretNames(let path, let maximum):
            definition[keyPath: path] = try fields.secretNames(name, maximum: maximum)
        }
    }

    /// The field's value as JSON; nil if it has none.
    func json(of function: Function) -> JSONValue? {
        if case .id = kind { return .string(function.id.text) }
        return json(of: function.definition)
    }

    func json(of definition: FunctionDefinition) -> JSONValue? {
        switch kind {
        case .id, .source: nil
        case .language: .string(definition.language.id)
        case .text(let path): .string(definition[keyPath: path])
        case .artifact(let path): definition[keyPath: path].map { .string($0) }
        case .flag(let path): .bool(definition[keyPath: path])
        case .limit(let path, _): definition.limits[keyPath: path].map { .integer(Int64($0)) }
        case .milliseconds(let path, _): definition[keyPath: path].map { .integer(Int64($0)) }
        case .choice(let choice): .string(choice.get(definition))
        case .texts(let path), .variables(let path): .object(definition[keyPath: path].mapValues { .string($0) })
        case .events(let path, _): .array(definition[keyPath: path])
        case .cors(let path, _):
            ["allowOrigins": .array(definition[keyPath: path].allowOrigins.map { .string($0) })]
        case .secretNames(let path, _): .array(definition[keyPath: path].map { .string($0) })
        }
    }

    /// Whether a definition has another value than it has without the field.
    func isSet(in definition: FunctionDefinition) -> Bool {
        json(of: definition) != json(of: FunctionDefinition(language: definition.language, sourceCode: ""))
    }
}

extension Function {
    /// The manifest's fields that are not their defaults, without code. Of the environment, the names: values may be
    /// secret.
    package var settings: JSONValue {
        var members: [String: JSONValue] = [:]
        for field in FunctionField.all(in: .manifest) where field.isSet(in: definition) {
            switch field.kind {
            case .id, .source, .texts: continue
            case .variables(let path):
                members[field.name] = .array(definition[keyPath: path].keys.sorted().map { .string($0) })
            default: members[field.name] = field.json(of: definition)
            }
        }
        return .object(members)
    }

    /// What `faas list --json` shows.
    package var summary: JSONValue {
        var members: [String: JSONValue] = ["revision": .string(revision)]
        for field in FunctionField.all(in: .listing) {
            let value = field.json(of: self) ?? .null
            // Of texts by name, the names: sources are long.
            if case .object(let entries) = value {
                members[field.name] = .array(entries.keys.sorted().map { .string($0) })
            } else {
                members[field.name] = value
            }
        }
        return .object(members)
    }
}
