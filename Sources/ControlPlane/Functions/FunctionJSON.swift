import FunctionModel
import FunctionService
import FunctionStorage

extension Function {
    /// `GET /functions/{id}`.
    /// - Parameter aliases: nil: it is not the current version.
    func detailedJSON(
        _ facts: FunctionFacts?, aliases: [FunctionAlias]?, limits: [EffectiveLimit], withSource: Bool
    ) -> JSONValue {
        guard case .object(var members) = json(facts) else { return .null }
        members["settings"] = settings
        members["limits"] = .object(
            Dictionary(
                limits.map { limit in
                    let value: JSONValue = limit.value.map { .integer(Int64($0)) } ?? .null
                    return (limit.name, ["value": value, "from": .string(limit.source.rawValue)])
                }, uniquingKeysWith: { first, _ in first }))
        if let aliases { members["aliases"] = .array(aliases.map(\.json)) }
        if withSource {
            members["sourceCode"] = .string(definition.sourceCode)
            members["dependencySources"] = .object(definition.dependencies.mapValues { .string($0) })
        }
        return .object(members)
    }
}
