import FunctionModel
import FunctionStorage
import TestSupport

/// What every `FunctionRepository` must do. An implementation's tests run each of ``cases`` on an empty repository.
public enum RepositoryContract {
    public struct Case: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (any FunctionRepository) async throws -> Void
    }

    public static let cases: [Case] = basicCases + versionCases

    private static let basicCases: [Case] = [
        Case(description: "What was saved is loaded, in the same revision") { repository in
            try await repository.save(everything)
            try require(try await repository.load(hello).function == everything, "loaded")
            try require(try await repository.list().functions == [everything], "listed")
            try require(
                try await repository.versions(of: hello).first?.revision == everything.revision, "current version")
            try require(await repository.exists(), "the store exists now")
        },
        Case(description: "Saving again replaces the function") { repository in
            try await repository.save(everything)
            try await repository.save(function("2"))
            try require(try await repository.load(hello).function == function("2"), "loaded")
            try require(try await repository.list().functions == [function("2")], "listed once")
            try require(
                try await repository.versions(of: hello).first?.revision == function("2").revision,
                "current version first")
        },
        Case(description: "An empty repository has no functions") { repository in
            try require(try await repository.list().functions.isEmpty, "list")
            try require(try await repository.stamp(of: hello) == nil, "stamp")
            try await expectNotFound { _ = try await repository.load(hello) }
            try await expectNotFound { _ = try await repository.versions(of: hello) }
            try await expectNotFound { try await repository.delete(hello) }
        },
        Case(description: "What workers have learned is kept by revision, replaced and forgotten") { repository in
            let (one, other) = ("0123456789abcdef", "fedcba9876543210")
            try require(try await repository.learnedImports().isEmpty, "nothing yet")
            try await repository.saveLearnedImports(nil, of: one)
            try await repository.saveLearnedImports(["a", "a.b"], of: one)
            try await repository.saveLearnedImports(["c"], of: other)
            try await repository.saveLearnedImports(["a", "a.b", "d"], of: one)
            try require(try await repository.learnedImports() == [one: ["a", "a.b", "d"], other: ["c"]], "kept")
            try await repository.saveLearnedImports(nil, of: one)
            try require(try await repository.learnedImports() == [other: ["c"]], "forgotten")
            try require(try await repository.list().broken.isEmpty, "it is not taken for a function")
        },
        Case(description: "A deleted function is not found") { repository in
            try await repository.save(everything)
            try await repository.delete(hello)
            try require(try await repository.stamp(of: hello) == nil, "stamp")
            try require(try await repository.list().functions.isEmpty, "list")
            try await expectNotFound { _ = try await repository.load(hello) }
            try await expectNotFound { try await repository.delete(hello) }
        },
        Case(description: "Functions are listed by id") { repository in
            for name in ["b", "a-b", "a"] { try await repository.save(function("1", try FunctionID(name))) }
            try require(try await repository.list().functions.map(\.id.text) == ["a", "a-b", "b"], "order")
        },
        Case(description: "A save changes the stamp, once the stamp is settled") { repository in
            try await repository.save(function("1"))
            let first = try await settledStamp(of: hello, in: repository)
            try require(try await repository.stamp(of: hello) == first, "the stamp stays")
            try await repository.save(function("2"))
            let second = try await settledStamp(of: hello, in: repository)
            try require(second != first, "another stamp")
        },
        Case(description: "Saves at the same time leave one whole function") { repository in
            let sources = (0..<20).map { String(repeating: "\($0) ", count: 5000) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for source in sources { group.addTask { try await repository.save(function(source)) } }
                try await group.waitForAll()
            }
            try require(sources.contains(try await repository.load(hello).function.definition.sourceCode), "whole")
        },
        Case(description: "A change feed reports each change that was complete before it is asked") { repository in
            try await repository.save(function("1"))
            // An implementation may have no feed: then stamps are compared.
            guard let feed = await repository.openChangeFeed() else { return }
            _ = feed.poll()
            try require(feed.poll() == .none, "nothing has changed")
            try await repository.save(function("2"))
            try require(reports(feed.poll(), hello), "a save")
            try require(feed.poll() == .none, "reported once")
            try await repository.delete(hello)
            try require(reports(feed.poll(), hello), "a deletion")
            let other = try FunctionID("other")
            try await repository.save(function("3", other))
            try require(reports(feed.poll(), other), "a new function")
        },
    ]

    // MARK: Helpers

    // The constant is a valid id.
    // swift-format-ignore: NeverUseForceTry
    static let hello = try! FunctionID("hello")

    static func function(_ source: String, _ id: FunctionID = hello) -> Function {
        Function(id: id, definition: FunctionDefinition(language: .javaScript, sourceCode: source))
    }

    /// A function with a value in most fields.
    static let everything = Function(
        id: hello,
        definition: FunctionDefinition(
            language: .python, sourceCode: "exports.handler = () => '\u{1}é😀'\r\n", functionName: "main",
            sourceName: "a/b.py", jsEvalAsModule: true, dependencies: ["x": "1", "y/z": "2"],
            folders: FunctionFolders(
                source: ArtifactName.name("source", of: ["a"]), packages: ArtifactName.name("packages", of: ["b"])),
            environment: ["A": "1", "B": ""], prime: [["name": "é", "list": [1, 2.5, nil, true]], nil, 7],
            timeoutMillis: 0, isolation: .process, response: .http,
            limits: FunctionLimits(memoryMB: 1, maxConcurrency: 2, maxEventBytes: 3, temporaryMB: 4, minWorkers: 1)))

    static func reports(_ changes: StoredChanges, _ id: FunctionID) -> Bool {
        switch changes {
        case .functions(let ids): ids.contains(id)
        case .everything: true
        case .none, .ended: false
        }
    }

    private static func settledStamp(of id: FunctionID, in repository: any FunctionRepository) async throws
        -> FunctionStamp
    {
        var stamp: FunctionStamp?
        try await waitUntil("the stamp is settled") {
            stamp = try await repository.load(id).stamp
            return stamp != nil
        }
        guard let stamp else { throw TestFailure("no stamp") }
        return stamp
    }

    private static func expectNotFound(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch is FunctionNotFound {
            return
        }
        throw TestFailure("no error where FunctionNotFound was expected")
    }
}

func require(_ condition: Bool, _ what: String) throws {
    if !condition { throw TestFailure("not as the contract says: \(what)") }
}
