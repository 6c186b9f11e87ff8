import FunctionModel
import FunctionStorage
import TestSupport

extension RepositoryContract {
    static let versionCases: [Case] = [
        Case(description: "Each save makes a version, the newest of which is current") { repository in
            try require(try await repository.save(function("1"), .init(author: "ada")).number == 1, "first number")
            let second = try await repository.save(function("2"), .init(author: "bob"))
            try require(second.number == 2 && second.isCurrent, "second number")
            let versions = try await repository.versions(of: hello)
            try require(versions.map(\.number) == [2, 1], "newest first")
            try require(versions.map(\.isCurrent) == [true, false], "one is current")
            try require(versions.map(\.author) == ["bob", "ada"], "authors")
            try require(versions.map(\.revision) == [function("2").revision, function("1").revision], "revisions")
            try require(versions.allSatisfy { $0.size > 10 && $0.createdAt > 1_600_000_000_000 }, "size and time")
            try require(try await repository.list().facts[hello]?.version ?? 2 == 2, "listed")
        },
        Case(description: "A version stays as it was, whatever is saved later") { repository in
            try await repository.save(everything)
            try await repository.save(function("2"))
            try require(try await repository.load(hello, version: 1) == everything, "first")
            try require(try await repository.load(hello, version: 2) == function("2"), "second")
            try await expect(VersionNotFound(function: hello, version: .number(3))) {
                _ = try await repository.load(hello, version: 3)
            }
            try await expect(FunctionNotFound(id: "other")) {
                _ = try await repository.load(FunctionID("other"), version: 1)
            }
        },
        Case(description: "Saving what is stored makes no version") { repository in
            let first = try await repository.save(function("1"))
            try require(try await repository.save(function("1"), .init(author: "bob")) == first, "the same version")
            try await repository.save(function("2"))
            try require(try await repository.save(function("1")).number == 3, "an older content is a change")
        },
        Case(description: "A rollback makes an earlier version current, and loses none") { repository in
            for source in ["1", "2", "3"] { try await repository.save(function(source)) }
            try require(try await repository.rollBack(hello, to: nil, .init()).number == 2, "one step")
            try require(try await repository.load(hello).function == function("2"), "the second")
            try require(try await repository.rollBack(hello, to: nil, .init()).number == 1, "another step")
            try await expect(InvalidRequest("The function 'hello' has no earlier version.")) {
                try await repository.rollBack(hello, to: nil, .init())
            }
            try require(try await repository.rollBack(hello, to: 3, .init()).isCurrent, "forwards")
            try require(try await repository.load(hello).function == function("3"), "the third")
            try require(try await repository.versions(of: hello).map(\.isCurrent) == [true, false, false], "listed")
            try await expect(VersionNotFound(function: hello, version: .number(7))) {
                try await repository.rollBack(hello, to: 7, .init())
            }
            try await expect(FunctionNotFound(id: "other")) {
                try await repository.rollBack(FunctionID("other"), to: nil, .init())
            }
            try require(try await repository.save(function("4")).number == 4, "the next number")
        },
        Case(description: "A change whose precondition fails is not made") { repository in
            let absent = FunctionChange(precondition: .absent)
            try await expect(PreconditionFailed(id: hello, revision: nil)) {
                try await repository.save(function("1"), .init(precondition: .present))
            }
            try await repository.save(function("1"), absent)
            try await expect(FunctionExists(id: hello)) { try await repository.save(function("2"), absent) }
            let stale = FunctionChange(precondition: .revisions(["0000000000000000"]))
            let failure = PreconditionFailed(id: hello, revision: function("1").revision)
            try await expect(failure) { try await repository.save(function("2"), stale) }
            try await expect(failure) { try await repository.rollBack(hello, to: 1, stale) }
            try await expect(failure) { try await repository.delete(hello, stale) }
            try require(try await repository.versions(of: hello).count == 1, "no version")
            let right = FunctionChange(precondition: .revisions([function("1").revision]))
            try require(try await repository.save(function("2"), right).number == 2, "the right one is made")
        },
        Case(description: "Of changes at the same time that expect the same revision, one is made") { repository in
            try await repository.save(function("0"))
            let change = FunctionChange(precondition: .revisions([function("0").revision]))
            let made = await withTaskGroup(of: Bool.self) { group in
                for number in 1...10 {
                    group.addTask { (try? await repository.save(function("\(number)"), change)) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            try require(made == 1, "one")
            try require(try await repository.versions(of: hello).count == 2, "two versions")
        },
        Case(description: "Saves at the same time lose no version") { repository in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...10 { group.addTask { try await repository.save(function("\(number)")) } }
                try await group.waitForAll()
            }
            let versions = try await repository.versions(of: hello)
            try require(versions.map(\.number) == (1...10).reversed(), "numbers")
            try require(Set(versions.map(\.revision)).count == 10, "contents")
            let current = try await repository.load(hello).function
            try require(versions.first?.revision == current.revision, "the newest is current")
        },
        Case(description: "An alias leads to a version, and for a share of calls to another") { repository in
            for source in ["1", "2"] { try await repository.save(function(source)) }
            let live = try FunctionAlias(name: "live", version: 1)
            let canary = try FunctionAlias(name: "live", version: 1, canary: .init(version: 2, percent: 5))
            let beta = try FunctionAlias(name: "beta", version: 2)
            try await repository.setAlias(live, of: hello)
            try await repository.setAlias(beta, of: hello)
            try require(try await repository.aliases(of: hello) == [beta, live], "by name")
            try await repository.setAlias(canary, of: hello)
            try require(try await repository.aliases(of: hello) == [beta, canary], "replaced")
            try require(canary.version(random: 0.049) == 2 && canary.version(random: 0.05) == 1, "the share")
            try await expect(VersionNotFound(function: hello, version: .number(3))) {
                try await repository.setAlias(FunctionAlias(name: "x", version: 3), of: hello)
            }
            try await repository.removeAlias("live", of: hello)
            try await expect(VersionNotFound(function: hello, version: .alias("live"))) {
                try await repository.removeAlias("live", of: hello)
            }
            try require(try await repository.aliases(of: hello) == [beta], "removed")
            try await expect(FunctionNotFound(id: "other")) {
                try await repository.setAlias(beta, of: FunctionID("other"))
            }
        },
        Case(description: "A change feed reports changes of aliases") { repository in
            try await repository.save(function("1"))
            guard let feed = await repository.openChangeFeed() else { return }
            _ = feed.poll()
            try await repository.setAlias(FunctionAlias(name: "live", version: 1), of: hello)
            try require(reports(feed.poll(), hello), "set")
            try await repository.removeAlias("live", of: hello)
            try require(reports(feed.poll(), hello), "removed")
        },
        Case(description: "A deletion removes versions and aliases, and numbers are not used again") { repository in
            for source in ["1", "2"] { try await repository.save(function(source)) }
            try await repository.setAlias(FunctionAlias(name: "live", version: 1), of: hello)
            try await repository.delete(hello)
            try await expect(FunctionNotFound(id: "hello")) { _ = try await repository.load(hello, version: 1) }
            try await expect(FunctionNotFound(id: "hello")) { _ = try await repository.aliases(of: hello) }
            try require(try await repository.save(function("3")).number == 3, "the next number")
            try require(try await repository.versions(of: hello).map(\.number) == [3], "only the new one")
            try require(try await repository.aliases(of: hello).isEmpty, "no alias")
        },
        Case(description: "A list can be read in parts") { repository in
            for name in ["c", "a", "a-b", "d"] { try await repository.save(function("1", try FunctionID(name))) }
            let first = try await repository.list(after: nil, limit: 2)
            try require(first.functions.map(\.id.text) == ["a", "a-b"] && first.hasMore, "the first part")
            let second = try await repository.list(after: first.last, limit: 2)
            try require(second.functions.map(\.id.text) == ["c", "d"] && !second.hasMore, "the second part")
            try require(try await repository.list(after: FunctionID("d"), limit: 2).functions.isEmpty, "the end")
        },
    ]

    private static func expect<Failure: Error & Equatable>(
        _ expected: Failure, _ body: () async throws -> some Any
    ) async throws {
        do {
            _ = try await body()
        } catch let error as Failure {
            return try require(error == expected, "\(error) instead of \(expected)")
        }
        throw TestFailure("no error where '\(expected)' was expected")
    }
}
