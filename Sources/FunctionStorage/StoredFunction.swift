import FunctionModel

/// The content of a stored function's file. GraalFaaS writes the same fields, without `sourceName`, layers, `env`,
/// `prime`, `timeoutMillis`, `isolation`, `response` and limits.
package enum StoredFunction {
    package static func document(_ function: Function) -> [UInt8] {
        let definition = function.definition
        var fields: [String: JSONValue] = [
            "id": .string(function.id.text),
            "languageId": .string(definition.language.id),
            "functionName": .string(definition.functionName),
            "jsEvalAsModule": .bool(definition.jsEvalAsModule),
            "sourceCode": .string(definition.sourceCode),
            "dependencies": .object(definition.dependencies.mapValues { .string($0) }),
        ]
        if definition.sourceName != defaultSourceName(definition.language) {
            fields["sourceName"] = .string(definition.sourceName)
        }
        if !definition.environment.isEmpty { fields["env"] = .object(definition.environment.mapValues { .string($0) }) }
        if !definition.prime.isEmpty { fields["prime"] = .array(definition.prime) }
        if definition.isolation != .invocation { fields["isolation"] = .string(definition.isolation.rawValue) }
        for (field, folder) in folders {
            fields[field] = definition.folders[keyPath: folder].map { .string($0) }
        }
        if definition.response != .json { fields["response"] = .string(definition.response.rawValue) }
        for field in FunctionLimits.fields {
            if let value = definition.limits[keyPath: field.limit] { fields[field.name] = .integer(Int64(value)) }
        }
        if let timeout = definition.timeoutMillis { fields["timeoutMillis"] = .integer(Int64(timeout)) }
        return JSONValue.object(fields).jsonBytes(pretty: true) + [UInt8(ascii: "\n")]
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
            throw DocumentError(
                "the field 'id' at \(fields.place(ofName: "id")) is \(quoted(idInside)), not the file's name")
        }
        let language: Language
        do {
            language = try Language(id: try fields.requiredText("languageId"))
        } catch let error as DocumentError {
            throw error
        } catch {
            throw DocumentError("the field 'languageId' at \(fields.place(ofName: "languageId")): \(error)")
        }
        var dependencies: [String: String] = [:]
        if let entries = try fields.object("dependencies") {
            for name in entries.names { dependencies[name] = try entries.requiredText(name) }
        }
        var folders = FunctionFolders()
        for (field, folder) in Self.folders {
            folders[keyPath: folder] = try fields.text(field)
        }
        let definition = FunctionDefinition(
            language: language,
            sourceCode: try fields.requiredText("sourceCode"),
            functionName: try fields.text("functionName") ?? "handler",
            sourceName: try fields.text("sourceName"),
            jsEvalAsModule: try fields.flag("jsEvalAsModule") ?? false,
            dependencies: dependencies,
            folders: folders,
            environment: try fields.environment(),
            prime: try fields.prime(),
            timeoutMillis: try fields.integer("timeoutMillis"),
            isolation: try fields.choice("isolation") ?? .invocation,
            response: try fields.choice("response") ?? .json,
            limits: try fields.limits()
        )
        return Function(id: id, definition: definition)
    }

    /// The names that the layers have here.
    private static let folders: [(field: String, folder: any WritableKeyPath<FunctionFolders, String?> & Sendable)] = [
        ("sourceLayer", \.source), ("packageLayer", \.packages),
    ]

    private static func defaultSourceName(_ language: Language) -> String {
        FunctionDefinition(language: language, sourceCode: "").sourceName
    }
}
