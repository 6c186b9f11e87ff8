import Crypto
import FunctionModel

extension FunctionDefinition {
    /// Names the content: 16 hexadecimal digits that are the same for the same definition on every host, and differ for
    /// any other. ``FunctionField/all`` says which fields count and in which order.
    public func revision() -> String {
        var encoder = RevisionEncoder()
        encoder.add("PolyglotFaaS function definition, encoding 1")
        var groups: Set<String> = []
        for field in FunctionField.all {
            switch field.revision {
            case .none: break
            case .always: encoder.add(field.kind, of: self, isOptional: false)
            case .whenSet:
                guard field.isSet(in: self) else { continue }
                encoder.add(field.name)
                encoder.add(field.kind, of: self, isOptional: true)
            case .group(let group):
                guard groups.insert(group).inserted else { continue }
                let members = FunctionField.all.filter { if case .group(group) = $0.revision { true } else { false } }
                guard members.contains(where: { $0.isSet(in: self) }) else { continue }
                encoder.add(group)
                for member in members { encoder.add(member.kind, of: self, isOptional: true) }
            }
        }
        return hexadecimal(encoder.digest.prefix(8))
    }
}

extension Function {
    /// The function of this definition, in the revision that its content makes.
    public convenience init(id: FunctionID, definition: FunctionDefinition) {
        self.init(id: id, revision: definition.revision(), definition: definition)
    }
}

/// Every text has its length before it, so that no two definitions are hashed as the same bytes.
private struct RevisionEncoder {
    private var hash = SHA256()

    /// - Parameter isOptional: whether the field is encoded only if it is set: then a number is there for sure.
    mutating func add(_ kind: FunctionField.Kind, of definition: FunctionDefinition, isOptional: Bool) {
        switch kind {
        case .id, .source: break
        case .language: add(definition.language.id)
        case .text(let path): add(definition[keyPath: path])
        case .artifact(let path): add(definition[keyPath: path] ?? "")
        case .flag(let path): add(definition[keyPath: path] ? 1 : 0)
        case .limit(let path, _): add(definition.limits[keyPath: path], isOptional: isOptional)
        case .milliseconds(let path, _): add(definition[keyPath: path], isOptional: isOptional)
        case .choice(let choice): add(choice.get(definition))
        case .texts(let path), .variables(let path): add(definition[keyPath: path])
        case .events(let path, _): add(JSONValue.array(definition[keyPath: path]).jsonText())
        case .cors(let path, _):
            let origins = definition[keyPath: path].allowOrigins
            add(Int64(origins.count))
            for origin in origins { add(origin) }
        case .secretNames(let path, _):
            let names = definition[keyPath: path]
            add(Int64(names.count))
            for name in names { add(name) }
        }
    }

    private mutating func add(_ number: Int?, isOptional: Bool) {
        if !isOptional { add(number == nil ? 0 : 1) }
        add(Int64(number ?? 0))
    }

    mutating func add(_ number: Int64) {
        withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ text: String) {
        add(Int64(text.utf8.count))
        var text = text
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }

    mutating func add(_ texts: [String: String]) {
        add(Int64(texts.count))
        // By bytes: the order of Swift's strings depends on the version of Unicode.
        for (name, text) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            add(name)
            add(text)
        }
    }

    var digest: SHA256.Digest { hash.finalize() }
}
