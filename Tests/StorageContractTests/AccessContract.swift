import Access
import FunctionModel
import FunctionStorage
import TestSupport

/// What every store of tokens, secrets and audit entries must do. An implementation's tests run each of ``cases`` on an
/// empty store.
public enum AccessContract {
    public typealias Store = TokenStore & SecretStore & AuditLog

    public struct Case: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (any Store) async throws -> Void
    }

    public static let cases: [Case] = [
        Case(description: "An empty store has nothing") { store in
            try require(try await store.tokens().isEmpty, "tokens")
            try require(try await store.secrets().isEmpty, "secrets")
            try require(try await store.secretValues(["A"]).isEmpty, "values")
            try require(try await store.auditEntries(limit: 10).isEmpty, "audit")
            try require(try await store.tokenStamp() == nil, "token stamp")
            try require(try await store.secretStamp() == nil, "secret stamp")
            try await expect(TokenNotFound(id: "a")) { _ = try await store.revoke("a", by: "test") }
            try await expect(SecretNotFound(name: "A")) { try await store.deleteSecret("A", by: "test") }
        },
        Case(description: "A token is kept whole until it is revoked") { store in
            let first = try token("first", ["admin", "invoke:hello"], lifetime: 60, now: 1000)
            let second = try token("sécond 'x'", ["read"], lifetime: nil, now: 2000)
            try await store.add(second, by: "test")
            try await store.add(first, by: "test")
            try require(try await store.tokens() == [first, second], "both, the older first")
            try require(try await store.revoke(first.id, by: "test") == first, "revoked")
            try require(try await store.tokens() == [second], "one is left")
            try await expect(TokenNotFound(id: first.id)) { _ = try await store.revoke(first.id, by: "test") }
        },
        Case(description: "Each change of tokens and of secrets changes their stamp, and nothing else does") { store in
            var seen: Set<Int64?> = [try await store.tokenStamp()]
            let token = try token("a", ["read"], lifetime: nil, now: 1)
            try await store.add(token, by: "test")
            try require(seen.insert(try await store.tokenStamp()).inserted, "added")
            let secretStamp = try await store.secretStamp()
            _ = try await store.revoke(token.id, by: "test")
            try require(seen.insert(try await store.tokenStamp()).inserted, "revoked")
            try require(try await store.secretStamp() == secretStamp, "secrets have not changed")
            let tokenStamp = try await store.tokenStamp()
            var secrets: Set<Int64?> = [secretStamp]
            try await store.setSecret("A", to: "1", by: "test")
            try require(secrets.insert(try await store.secretStamp()).inserted, "set")
            try await store.setSecret("A", to: "2", by: "test")
            try require(secrets.insert(try await store.secretStamp()).inserted, "set again")
            try await store.deleteSecret("A", by: "test")
            try require(secrets.insert(try await store.secretStamp()).inserted, "deleted")
            try require(try await store.tokenStamp() == tokenStamp, "tokens have not changed")
            try require(try await store.tokenStamp() == tokenStamp, "a read changes nothing")
        },
        Case(description: "A secret has its last value, and its name is listed") { store in
            for value in ["1", String(repeating: "ä", count: AccessLimits.maximumSecretBytes / 2), "line\nbreak"] {
                try await store.setSecret("B", to: value, by: "test")
                try require(try await store.secretValues(["B", "MISSING"]) == ["B": value], "value")
            }
            try await store.setSecret("A_1", to: "other", by: "test")
            try require(try await store.secrets().map(\.name) == ["A_1", "B"], "names")
            try require(try await store.secretValues(["A_1", "B"]) == ["A_1": "other", "B": "line\nbreak"], "both")
            try await store.deleteSecret("B", by: "test")
            try require(try await store.secretValues(["B"]).isEmpty, "deleted")
            try await expect(SecretNotFound(name: "B")) { try await store.deleteSecret("B", by: "test") }
        },
        Case(description: "A name or value that cannot be a variable is refused") { store in
            for (name, value) in [
                ("", "x"), ("1A", "x"), ("A-B", "x"), ("A=B", "x"), (String(repeating: "A", count: 129), "x"),
                ("A", ""),
                ("A", "a\0b"), ("A", String(repeating: "x", count: AccessLimits.maximumSecretBytes + 1)),
            ] {
                do {
                    try await store.setSecret(name, to: value, by: "test")
                    throw TestFailure("\(name) was set")
                } catch let error as InvalidRequest {
                    try require(value.count < 2 || !error.message.contains(value), "the value is not in the message")
                }
            }
            try require(try await store.secrets().isEmpty, "nothing is set")
        },
        Case(description: "Changes are in the audit log with their actor, the newest first, without values") { store in
            let token = try token("ci", ["read", "deploy"], lifetime: nil, now: 1)
            try await store.append(AuditEntry(time: 5, actor: "x", action: .deploy, object: "hello", detail: "1"))
            try await store.add(token, by: "cli:ada")
            try await store.setSecret("KEY", to: "hidden-value", by: "token:1")
            _ = try await store.revoke(token.id, by: "cli:ada")
            try await store.deleteSecret("KEY", by: "token:2")
            let entries = try await store.auditEntries(limit: 10)
            try require(
                entries.map { "\($0.actor) \($0.action.rawValue) \($0.object) \($0.detail)" } == [
                    "token:2 delete-secret KEY ", "cli:ada revoke-token \(token.id) ci", "token:1 set-secret KEY ",
                    "cli:ada create-token \(token.id) ci: read deploy", "x deploy hello 1",
                ], "\(entries)")
            try require(try await store.auditEntries(limit: 2) == Array(entries.prefix(2)), "limit")
            try require(entries.last?.time == 5, "time")
        },
        Case(description: "Changes at the same time are all kept") { store in
            let tokens = try (0..<20).map { try token("\($0)", ["read"], lifetime: nil, now: Int64($0)) }
            try await withThrowingTaskGroup { group in
                for token in tokens {
                    group.addTask {
                        try await store.add(token, by: "test")
                        try await store.setSecret("S\(token.name)", to: token.name, by: "test")
                    }
                }
                try await group.waitForAll()
            }
            try require(try await store.tokens() == tokens, "tokens")
            let names = tokens.map { "S\($0.name)" }
            try require(
                try await store.secretValues(names)
                    == Dictionary(uniqueKeysWithValues: tokens.map { ("S\($0.name)", $0.name) }), "secrets")
            try require(try await store.auditEntries(limit: 100).count == 40, "audit")
        },
    ]

    private static func token(_ name: String, _ scopes: [String], lifetime: Int64?, now: Int64) throws -> Token {
        try Token.make(name: name, scopes: scopes.map { try Scope($0) }, lifetimeSeconds: lifetime, now: now).token
    }

    private static func expect<Failure: Error & Equatable>(
        _ expected: Failure, _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch let error as Failure {
            return try require(error == expected, "\(error)")
        }
        throw TestFailure("no error, but expected \(expected)")
    }
}
