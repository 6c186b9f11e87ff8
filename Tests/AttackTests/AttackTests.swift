import Foundation
import FunctionModel
import Synchronization
import TestSupport
import Testing

/// Runs hostile functions and checks from outside what they achieved.
///
/// `ATTACK_TABLE=path` writes the results as tab-separated values (script/security-results makes
/// Tests/AttackResults/attempts.tsv of them). `ATTACK_ONLY`: only attempts with this in their number or title.
@Suite(.serialized) struct AttackTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let table = Table()

    /// Whether this process has CAP_SYS_ADMIN, as /proc reports it.
    private static var isPrivileged: Bool {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let capabilities = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }.flatMap {
            UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16)
        }
        return (capabilities ?? 0) >> 21 & 1 == 1
    }

    private static func attempts(on stage: Stage) -> [Attempt] {
        Attempt.all.filter { attempt in
            if let only = environment["ATTACK_ONLY"], !attempt.testDescription.contains(only) { return false }
            if attempt.isTooDangerousWithoutSandbox && !stage.hasNamespaces { return false }
            // With the sandbox off, an attempt only shows that its oracle detects success.
            return stage.mode != .off || attempt.succeedsWithoutSandbox
        }
    }

    @Test(arguments: Mode.allCases)
    func `No attempt succeeds against the sandbox, and each oracle sees one that does`(mode: Mode) async throws {
        // Attempts that show that an oracle works often need root's privileges, which root in a container lacks. With
        // the sandbox on, the tests need no privileges.
        if mode == .off && !Self.isPrivileged { return }
        try await Stage.with(mode) { stage in
            for attempt in Self.attempts(on: stage) {
                let result = try await stage.run(attempt)
                let expected = mode == .off || (!stage.hasNamespaces && attempt.succeedsWithoutNamespaces)
                Self.table.add(attempt, mode, expected: expected, result)
                #expect(result.succeeded == expected, "\(mode.rawValue): \(attempt.testDescription): \(result.seen)")
                if mode != .off {
                    #expect(result.harm == nil, "\(mode.rawValue): \(attempt.testDescription): \(result.seen)")
                }
            }
        }
        if let path = Self.environment["ATTACK_TABLE"] { try Self.table.write(to: path) }
    }

    /// Temporary files need a mount, and so namespaces.
    private static let tables = ["javascript", "python"] + (Namespaces.areAllowed ? ["python-temporary-files"] : [])

    @Test(arguments: tables)
    func `Every system call has the verdict that the table gives it`(table: String) async throws {
        let language = table.prefix { $0 != "-" }
        let worker = Binaries.directory.appendingPathComponent("faas-worker-\(language)").path
        // A zygote talks to its host on descriptor 3. Here no host reads from it.
        var command = "exec 3<>/dev/null; exec '\(worker)' --try-system-calls"
        // The host makes namespaces for its zygotes, so this does too.
        if language != table {
            command =
                "exec unshare --user --map-root-user --mount --pid --fork --mount-proc bash -c \"\(command) "
                + "--temporary-mb=1\""
        }
        let result = try await Program.run("/bin/bash", ["-c", command])
        try #require(result.exit == .code(0), "\(result.errorOutput)")
        // The kernel lets these two calls pass every filter. They do nothing except in a probe that the kernel itself
        // has set.
        let verdicts =
            result.output.split(separator: "\n").filter { !$0.contains(" 335 ") && !$0.contains(" 336 ") }.joined(
                separator: "\n") + "\n"
        let file = Binaries.repository.appendingPathComponent("Tests/AttackTests/SystemCalls/\(table).txt")
        if Self.environment["ATTACK_UPDATE_SYSTEM_CALLS"] != nil { try Data(verdicts.utf8).write(to: file) }
        let golden = try String(contentsOf: file, encoding: .utf8)
        let difference = verdicts.split(separator: "\n").difference(from: golden.split(separator: "\n"))
        #expect(difference.isEmpty, "\(difference)")
    }
}

/// The results: tab-separated values with a header, one line for each attempt.
private final class Table: Sendable {
    private let rows = Mutex<[(order: Int, text: String)]>([])

    func add(_ attempt: Attempt, _ mode: Mode, expected: Bool, _ result: Stage.Result) {
        let fields: [String] = [
            attempt.number, attempt.title, attempt.language.name, mode.rawValue, expected ? "succeeds" : "fails",
            result.succeeded ? "succeeds" : "fails", result.seen,
        ]
        let text = fields.map { $0.replacing("\t", with: " ").replacing("\n", with: " ") }.joined(separator: "\t")
        rows.withLock { $0.append((Mode.allCases.firstIndex(of: mode) ?? 0, text)) }
    }

    func write(to path: String) throws {
        let rows = rows.withLock { $0 }.enumerated().sorted {
            ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
        }.map(\.element.text)
        let header = ["number\tattempt\tlanguage\tsandbox\texpected\tobserved\tseen by the caller"]
        try Data(((header + rows).joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
}
