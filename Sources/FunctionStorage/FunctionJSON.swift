import Foundation
import FunctionModel

/// The forms of functions in responses. Members of GraalFaaS keep their names; ours come beside them.
extension Function {
    /// `GET /functions`.
    package func json(_ facts: FunctionFacts?) -> JSONValue {
        guard case .object(var members) = summary, let facts else { return summary }
        members["version"] = facts.version.map { .integer(Int64($0)) } ?? .null
        members["changedAt"] = .string(iso8601(milliseconds: facts.changedAt))
        members["size"] = .integer(Int64(facts.size))
        return .object(members)
    }

    /// The response to a deployment.
    package func json(_ version: FunctionVersion) -> JSONValue {
        json(FunctionFacts(changedAt: version.createdAt, size: version.size, version: version.number))
    }
}

extension FunctionVersion {
    package var json: JSONValue {
        [
            "version": .integer(Int64(number)), "revision": .string(revision),
            "createdAt": .string(iso8601(milliseconds: createdAt)), "size": .integer(Int64(size)),
            "author": .string(author), "current": .bool(isCurrent),
        ]
    }
}

extension FunctionAlias {
    package var json: JSONValue {
        var members: [String: JSONValue] = ["name": .string(name), "version": .integer(Int64(version))]
        if let canary {
            members["canary"] = ["version": .integer(Int64(canary.version)), "percent": .number(canary.percent)]
        }
        return .object(members)
    }
}

/// A time as RFC 3339 writes it, in UTC: `2026-11-30T17:05:08Z`.
package func iso8601(milliseconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
}
