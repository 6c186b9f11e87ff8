import FunctionModel

/// Why a document does not describe a function. The message says where, and does not name the file.
package struct DocumentError: Error {
    package let message: String
    package init(_ message: String) { self.message = message }
}

/// The members of a JSON object by name, read by type. A member that is `null` counts as not given.
package struct JSONFields {
    private let document: [UInt8]
    private let members: [JSONMember<LocatedJSON>]
    private let indices: [String: Int]

    /// - Parameter subject: What the object is, for messages: "the manifest".
    package init(_ json: LocatedJSON, in document: [UInt8], subject: String) throws(DocumentError) {
        guard case .object(let members) = json.content else {
            let place = JSONLocation(offset: json.offset, in: document)
            throw DocumentError("\(subject) at \(place) must be an object, not \(json.kind)")
        }
        self.document = document
        self.members = members
        var indices: [String: Int] = [:]
        for (index, member) in members.enumerated() where indices.updateValue(index, forKey: member.name) != nil {
            let place = JSONLocation(offset: member.nameOffset, in: document)
            throw DocumentError("the field \(quoted(member.name)) at \(place) is there twice")
        }
        self.indices = indices
    }

    /// In the order of the document.
    package var names: [String] { members.map(\.name) }

    /// - Throws: If the object has a field of another name.
    package func allowOnly(_ known: [String]) throws(DocumentError) {
        for member in members where !known.contains(member.name) {
            let hint =
                nearest(to: member.name, in: known).map { "did you mean '\($0)'?" }
                ?? "use \(known.map { "'\($0)'" }.joined(separator: ", "))"
            throw DocumentError("unknown field \(quoted(member.name)) at \(place(ofName: member.name)); \(hint)")
        }
    }

    package func has(_ name: String) -> Bool { value(name) != nil }

    package func text(_ name: String) throws(DocumentError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .scalar(.string(let text)) = value.content else { throw wrongType(name, "text") }
        return text
    }

    package func requiredText(_ name: String) throws(DocumentError) -> String {
        guard let text = try text(name) else { throw DocumentError("the field '\(name)' is missing") }
        return text
    }

    package func flag(_ name: String) throws(DocumentError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .scalar(.bool(let flag)) = value.content else { throw wrongType(name, "true or false") }
        return flag
    }

    package func integer(_ name: String) throws(DocumentError) -> Int? {
        guard let value = value(name) else { return nil }
        guard case .scalar(.integer(let integer)) = value.content else { throw wrongType(name, "an integer") }
        return Int(integer)
    }

    package func number(_ name: String) throws(DocumentError) -> Double? {
        guard let value = value(name) else { return nil }
        switch value.content {
        case .scalar(.integer(let integer)): return Double(integer)
        case .scalar(.number(let number)): return number
        default: throw wrongType(name, "a number")
        }
    }

    /// An array of texts.
    package func texts(_ name: String) throws(DocumentError) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value.content else { throw wrongType(name, "an array of texts") }
        var texts: [String] = []
        for element in elements {
            guard case .scalar(.string(let text)) = element.content else {
                let place = JSONLocation(offset: element.offset, in: document)
                throw DocumentError(
                    "the field \(quoted(name)) must be an array of texts, and at \(place) is \(element.kind)")
            }
            texts.append(text)
        }
        return texts
    }

    /// Text by name, as an environment may have it.
    package func variables(_ name: String) throws(DocumentError) -> [String: String] {
        guard let variables = try object(name) else { return [:] }
        var environment: [String: String] = [:]
        for name in variables.names {
            let place = "the variable \(quoted(name)) at \(variables.place(ofName: name))"
            guard !name.isEmpty, !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") }) else {
                throw DocumentError("\(place): a name has at least one character, and neither '=' nor NUL")
            }
            guard let value = try variables.text(name) else { throw DocumentError("\(place) must be text, not null") }
            guard !value.utf8.contains(0) else { throw DocumentError("\(place) must not have a NUL in it") }
            environment[name] = value
        }
        return environment
    }

    /// An array of JSON values.
    package func events(_ name: String, maximum: Int) throws(DocumentError) -> [JSONValue] {
        guard let value = value(name) else { return [] }
        guard case .array(let events) = value.content else { throw wrongType(name, "an array of events") }
        guard events.count <= maximum else {
            let place = JSONLocation(offset: value.offset, in: document)
            throw DocumentError(
                "the field '\(name)' at \(place) must have at most \(maximum) events, not \(events.count)")
        }
        return events.map(\.value)
    }

    /// Which origins may call a function.
    func cors(_ name: String, _ form: FunctionField.Forms, maximum: Int) throws(DocumentError) -> CORS {
        guard let cors = try object(name) else { return CORS() }
        if form == .manifest { try cors.allowOnly(["allowOrigins"]) }
        let origins = try cors.texts("allowOrigins") ?? []
        guard form == .manifest else { return CORS(allowOrigins: origins) }
        guard origins.count <= maximum else {
            throw DocumentError(
                "\(cors.subject("allowOrigins")) must have at most \(maximum) origins, not \(origins.count)")
        }
        for origin in origins where !CORS.isOrigin(origin) {
            throw DocumentError(
                "\(cors.subject("allowOrigins")): \(quoted(origin)) is not an origin; use '*', or scheme, host and "
                    + "perhaps port, without a path: 'https://app.example'")
        }
        return CORS(allowOrigins: origins)
    }

    /// Names of secrets, each once.
    func secretNames(_ name: String, maximum: Int) throws(DocumentError) -> [String] {
        let names = try texts(name) ?? []
        guard names.count <= maximum else {
            throw DocumentError("\(subject(name)) must have at most \(maximum) names, not \(names.count)")
        }
        for secret in names {
            guard SecretName.isValid(secret) else {
                throw DocumentError("\(subject(name)): \(SecretName.problem(with: secret))")
            }
            guard names.count(where: { $0 == secret }) == 1 else {
                throw DocumentError("\(subject(name)) has '\(secret)' twice")
            }
        }
        return names
    }

    /// One of a few texts.
    package func text(_ name: String, among values: [String]) throws(DocumentError) -> String? {
        guard let text = try text(name) else { return nil }
        guard values.contains(text) else {
            let known = values.map { "'\($0)'" }.joined(separator: ", ")
            throw DocumentError("\(subject(name)): unknown value \(quoted(text)); use one of \(known)")
        }
        return text
    }

    package func integer(_ name: String, _ range: ClosedRange<Int>) throws(DocumentError) -> Int? {
        guard let value = try integer(name) else { return nil }
        guard range.contains(value) else {
            throw DocumentError(
                "\(subject(name)) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
        }
        return value
    }

    /// The function's language.
    package func language() throws(DocumentError) -> Language {
        let text = try requiredText("languageId")
        do {
            return try Language(id: text)
        } catch {
            throw DocumentError("\(subject("languageId")): \(error.message)")
        }
    }

    /// The field with its place, for messages. The field must be there.
    package func subject(_ name: String) -> String { "the field '\(name)' at \(place(ofName: name))" }

    package func object(_ name: String) throws(DocumentError) -> JSONFields? {
        guard let value = value(name) else { return nil }
        return try JSONFields(value, in: document, subject: "the field \(quoted(name))")
    }

    /// Where the field's name is: "line 4, column 3". The field must be there.
    package func place(ofName name: String) -> String {
        guard let index = indices[name] else { return "an unknown place" }
        return JSONLocation(offset: members[index].nameOffset, in: document).description
    }

    private func value(_ name: String) -> LocatedJSON? {
        guard let index = indices[name] else { return nil }
        if case .scalar(.null) = members[index].value.content { return nil }
        return members[index].value
    }

    private func wrongType(_ name: String, _ expected: String) -> DocumentError {
        guard let index = indices[name] else { return DocumentError("the field \(quoted(name)) must be \(expected)") }
        let value = members[index].value
        let place = JSONLocation(offset: value.offset, in: document)
        return DocumentError("the field \(quoted(name)) at \(place) must be \(expected), not \(value.kind)")
    }
}

extension LocatedJSON {
    /// For messages.
    fileprivate var kind: String {
        switch content {
        case .array: "an array"
        case .object: "an object"
        case .scalar(.string): "text"
        case .scalar(.bool(let flag)): "\(flag)"
        case .scalar(.null): "null"
        case .scalar(.integer(let number)): "\(number)"
        case .scalar(.number(let number)): "\(number)"
        case .scalar: "a number"
        }
    }
}
