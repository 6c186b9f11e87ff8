import FunctionModel
import FunctionStorage
import HTTPTypes

/// `{"version": 3}`: the body of a rollback.
struct VersionRequest {
    let number: Int?

    init(_ document: [UInt8]) throws {
        let fields = try RequestFields.read(document, subject: "the body", known: ["version"])
        do {
            number = try fields.integer("version", 1...Int(Int32.max))
        } catch {
            throw InvalidRequest("body: \(error.message)")
        }
    }
}

extension FunctionAlias {
    /// `{"version": 3, "canary": {"version": 4, "percent": 5}}`: the body that sets an alias.
    init(name: String, json document: [UInt8]) throws {
        let fields = try RequestFields.read(document, subject: "the alias", known: ["name", "version", "canary"])
        let version: Int
        var canary: Canary?
        do {
            guard let number = try fields.integer("version", 1...Int(Int32.max)) else {
                throw DocumentError("the field 'version' is missing")
            }
            version = number
            if let object = try fields.object("canary") {
                try object.allowOnly(["version", "percent"])
                guard let number = try object.integer("version", 1...Int(Int32.max)),
                    let percent = try object.number("percent")
                else { throw DocumentError("the field 'canary' must have 'version' and 'percent'") }
                canary = Canary(version: number, percent: percent)
            }
            if let given = try fields.text("name"), given != name {
                throw DocumentError("\(fields.subject("name")) is \(quoted(given)), and the path's is \(quoted(name))")
            }
        } catch let error as DocumentError {
            throw InvalidRequest("body: \(error.message)")
        }
        try self.init(name: name, version: version, canary: canary)
    }
}

private enum RequestFields {
    static func read(_ document: [UInt8], subject: String, known: [String]) throws -> JSONFields {
        do {
            let fields = try JSONFields(
                try LocatedJSON(json: document, syntax: .strict), in: document, subject: subject)
            try fields.allowOnly(known)
            return fields
        } catch let error as DocumentError {
            throw InvalidRequest("body: \(error.message)")
        } catch {
            throw InvalidRequest("body: \(error)")
        }
    }
}

/// An error whose status is another one here than in a call of a function.
struct Rejection: Error {
    let status: HTTPResponse.Status
    let error: any FunctionError

    init(status: HTTPResponse.Status, _ error: any FunctionError) {
        self.status = status
        self.error = error
    }
}
