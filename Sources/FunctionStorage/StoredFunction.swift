import FunctionModel

/// The form in which every repository keeps a function: a JSON document with the fields of GraalFaaS, and those of our
/// own that are not the default (``FunctionField``).
package enum StoredFunction {
    package static func document(_ function: Function) -> [UInt8] {
        var members: [String: JSONValue] = [:]
        for field in FunctionField.all(in: [.stored]) {
            guard field.forms.contains(.alwaysStored) || field.isSet(in: function.definition) else { continue }
            members[field.name] = field.json(of: function)
        }
        return JSONValue.object(members).jsonBytes(pretty: true) + [UInt8(ascii: "\n")]
    }

    /// Reads a document, made here or by another version: unknown fields are ignored, `null` counts as not given.
    package static func read(_ document: [UInt8], id: FunctionID) throws(DocumentError) -> Function {
        let json: LocatedJSON
        do {
            json = try LocatedJSON(json: document, syntax: .strict)
        } catch {
            throw DocumentError(error.description)
        }
        let fields = try JSONFields(json, in: document, subject: "the function")
        let idInside = try fields.requiredText("id")
        guard idInside == id.text else {
            throw DocumentError("\(fields.subject("id")) is \(quoted(idInside)), not the file's name")
        }
        var definition = FunctionDefinition(
            language: try fields.language(), sourceCode: try fields.requiredText("sourceCode"))
        for field in FunctionField.all(in: [.stored]) { try field.read(fields, .stored, into: &definition) }
        return Function(id: id, definition: definition)
    }
}
