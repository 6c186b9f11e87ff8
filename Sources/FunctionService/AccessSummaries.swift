import Access
import Foundation
import FunctionModel
import FunctionStorage

// What the command line (--json) and the routes show.

extension Token {
    /// Without the hash.
    package var summary: [String: JSONValue] {
        [
            "id": .string(id), "name": .string(name), "scopes": .array(scopes.map { .string($0.text) }),
            "createdAt": .string(timeText(createdAt)), "expiresAt": expiresAt.map { .string(timeText($0)) } ?? .null,
        ]
    }
}

extension StoredSecret {
    package var summary: JSONValue { ["name": .string(name), "changedAt": .string(timeText(changedAt))] }
}

extension AuditEntry {
    package var summary: JSONValue {
        [
            "time": .string(timeText(time / 1000)), "actor": .string(actor), "action": .string(action.rawValue),
            "object": .string(object), "detail": .string(detail),
        ]
    }
}

/// Seconds since 1970 as `2026-11-30T16:00:00Z`.
package func timeText(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
}
