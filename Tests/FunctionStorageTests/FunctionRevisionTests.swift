import FunctionModel
import FunctionStorage
import Testing

@Suite("Revisions")
struct FunctionRevisionTests {
    private let definition = FunctionDefinition(
        language: .javaScript, sourceCode: "code", dependencies: ["a": "b", "c": "d"], timeoutMillis: 0)

    @Test("The revision of a definition is the same in every version of this program")
    func stable() {
        #expect(definition.revision() == "c2ae10183c392cf6")
        #expect(FunctionDefinition(language: .python, sourceCode: "").revision() == "35f1ee41df8ce6bd")
    }

    @Test("A change of any field changes the revision")
    func everyFieldCounts() {
        let changes: [(inout FunctionDefinition) -> Void] = [
            { _ in }, { $0.language = .python }, { $0.functionName = "main" }, { $0.sourceCode = "code " },
            { $0.sourceName = "x.js" }, { $0.jsEvalAsModule = true }, { $0.isolation = .process },
            { $0.timeoutMillis = nil },
            { $0.timeoutMillis = 1 },
            { $0.dependencies = [:] }, { $0.dependencies["c"] = "" }, { $0.dependencies = ["a": "d", "c": "b"] },
            { $0.dependencies = ["ab": "", "c": "d"] }, { $0.dependencies = ["a": "bcd"] },
            { $0.environment = ["a": "b"] }, { $0.environment = ["a": "c"] },
            { $0.prime = [[:]] }, { $0.prime = [nil] }, { $0.prime = [[:], [:]] },
            { $0.response = .http }, { $0.access = .public }, { $0.errors = .detailed },
            { $0.secrets = ["a", "b"] }, { $0.secrets = ["b", "a"] }, { $0.secrets = ["ab"] },
            // Equal as Swift strings, but not the same bytes for an engine.
            { $0.sourceCode = "\u{e9}" }, { $0.sourceCode = "e\u{301}" },
        ]
        let revisions = changes.map { change in
            var changed = definition
            change(&changed)
            return changed.revision()
        }
        #expect(Set(revisions).count == changes.count)
        #expect(revisions.allSatisfy { $0.count == 16 && $0.allSatisfy { "0123456789abcdef".contains($0) } })
    }

    @Test("Text moved from one field to the next changes the revision")
    func fieldsDoNotRunTogether() {
        var (first, second) = (definition, definition)
        (first.functionName, first.sourceCode) = ("ab", "c")
        (second.functionName, second.sourceCode) = ("a", "bc")
        #expect(first.revision() != second.revision())
    }

    @Test("The order in which dependencies were added does not count")
    func orderDoesNotCount() {
        let names = (0..<50).map { "module\($0)" }
        var (forward, backward) = (definition, definition)
        for name in names { forward.dependencies[name] = name }
        for name in names.reversed() { backward.dependencies[name] = name }
        #expect(forward.revision() == backward.revision())
    }
}
