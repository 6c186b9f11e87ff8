import FunctionModel
import Synchronization
import Testing
import WorkerProtocol

@testable import FunctionExecution

@Suite struct LearnedImportsTests {
    private static let second: Int64 = 1_000_000_000

    private static func function(_ source: String = "", _ change: (inout FunctionDefinition) -> Void = { _ in }) throws
        -> Function
    {
        var definition = FunctionDefinition(language: .python, sourceCode: source)
        change(&definition)
        return Function(id: try FunctionID("f"), revision: "0123456789abcdef", definition: definition)
    }

    private final class Kept: Sendable {
        let all = Mutex<[[String]?]>([])
    }

    private static func learned(_ kept: Kept = Kept()) -> LearnedImports {
        LearnedImports { _, names in kept.all.withLock { $0.append(names) } }
    }

    @Test func `A worker learns for a quarter of the time that it may take, three seconds at most`() throws {
        let learned = Self.learned()
        let function = try Self.function()
        #expect(learned.lesson(for: function, loadTimeout: 10 * Self.second).milliseconds == 2500)
        #expect(learned.lesson(for: function, loadTimeout: 100 * Self.second).milliseconds == 3000)
        #expect(learned.lesson(for: function, loadTimeout: 1).milliseconds == 1)
    }

    @Test func `Only functions that rewind, in a language that imports libraries, learn, unless they say no`() throws {
        let learned = Self.learned()
        let none = LearnedImports.Lesson()
        let names = ModuleNames(keeping: ["json"])
        for function in [
            try Self.function { $0.learnImports = false }, try Self.function { $0.isolation = .process },
            try Self.function { $0.isolation = .instance }, try Self.function { $0.language = .javaScript },
        ] {
            learned.add(names, of: function)
            #expect(learned.lesson(for: function, loadTimeout: Self.second) == none)
        }
    }

    @Test func `What workers learn adds up, each name once, and is stored when it grows`() throws {
        let kept = Kept()
        let learned = Self.learned(kept)
        let function = try Self.function()
        learned.add(ModuleNames(keeping: ["a", "b"]), of: function)
        learned.add(ModuleNames(keeping: ["b", "c"]), of: function)
        learned.add(ModuleNames(keeping: ["c"]), of: function)
        #expect(learned.lesson(for: function, loadTimeout: Self.second).imports.names == ["a", "b", "c"])
        #expect(learned.lesson(for: try Self.function("other"), loadTimeout: Self.second).imports.names == [])
        #expect(kept.all.withLock { $0 } == [["a", "b"], ["a", "b", "c"]])
    }

    @Test func `A complete list is given to workers and does not grow`() throws {
        let learned = Self.learned()
        let function = try Self.function()
        learned.add(ModuleNames(keeping: ["a"], areComplete: true), of: function)
        learned.add(ModuleNames(keeping: ["b"]), of: function)
        let lesson = learned.lesson(for: function, loadTimeout: Self.second)
        #expect(lesson.imports.names == ["a"] && lesson.milliseconds == 0)
    }

    @Test func `After harm a function learns nothing more, and what was stored is removed`() throws {
        let kept = Kept()
        let learned = Self.learned(kept)
        let function = try Self.function()
        learned.remember([function.revision: ["a"]])
        learned.stop(for: function)
        learned.add(ModuleNames(keeping: ["b"]), of: function)
        let lesson = learned.lesson(for: function, loadTimeout: Self.second)
        #expect(lesson.imports.names == [] && lesson.milliseconds == 0)
        #expect(kept.all.withLock { $0 } == [nil])
    }

    @Test func `What an earlier process has stored is used, as far as it can be names`() throws {
        let learned = Self.learned()
        let function = try Self.function()
        learned.remember([function.revision: ["a", "", "b.c", "../x", "é"], "other": ["z"]])
        #expect(learned.lesson(for: function, loadTimeout: Self.second).imports.names == ["a", "b.c"])
        learned.add(ModuleNames(keeping: ["d"]), of: function)
        #expect(learned.lesson(for: function, loadTimeout: Self.second).imports.names == ["a", "b.c", "d"])
    }

    @Test func `The names of many functions stay within their budget`() throws {
        let learned = LearnedImports(bytes: 1 << 20, keep: nil)
        let names = ModuleNames(keeping: (0..<ModuleNames.maximumCount).map { "module\($0)" })
        for number in 0..<50 { learned.add(names, of: try Self.function("\(number)")) }
        #expect(learned.lesson(for: try Self.function("49"), loadTimeout: Self.second).imports == names)
        #expect(learned.lesson(for: try Self.function("0"), loadTimeout: Self.second).imports.names == [])
    }
}
