import Foundation
import TestSupport
import Testing

/// The arrows between targets that must not be: docs/architecture.md has the layout.
@Suite struct LayeringTests {
    @Test func `No target depends on what its layer must not know`() async throws {
        let graph = try await TargetGraph.ofThisPackage()
        for target in Rule.all.flatMap({ $0.targets + $0.forbidden.filter { !$0.isProduct }.map(\.name) }) {
            #expect(graph.arrows[target] != nil, "a rule names \(target), which is not a target")
        }
        for rule in Rule.all { #expect(rule.violations(in: graph) == [], "\(rule.reason)") }
    }

    @Test func `A forbidden arrow is found, also where it leads through other targets`() async throws {
        let graph = try await TargetGraph.ofThisPackage()
        for rule in Rule.all {
            for target in rule.targets {
                for forbidden in rule.forbidden {
                    var direct = graph
                    direct.add(target, forbidden.name)
                    let arrow = "\(target) -> \(forbidden.name)"
                    #expect(rule.violations(in: direct).contains(arrow))
                    guard rule.isTransitive else { continue }
                    var indirect = graph
                    indirect.add(target, "Between")
                    indirect.add("Between", forbidden.name)
                    #expect(
                        rule.violations(in: indirect).contains { $0 == arrow || $0.hasSuffix(" -> \(forbidden.name)") })
                }
            }
        }
    }

    @Test func `Only the composition roots name an implementation of the storage`() async throws {
        var graph = try await TargetGraph.ofThisPackage()
        let roots: Set = ["FaaSServer", "FaaSCommands"]
        func others() -> [String] {
            graph.shipped.filter { graph.arrows[$0]?.contains("FileStorage") == true && !roots.contains($0) }
        }
        #expect(others() == [])
        graph.add("FunctionService", "FileStorage")
        #expect(others() == ["FunctionService"], "the search finds one")
    }

    /// `Sandbox` is a mechanism: each worker brings what its language needs.
    @Test func `The sandbox names no language`() throws {
        let language = /(?i)javascript|python/
        for target in ["Sandbox", "CSandbox"] { #expect(try lines(of: target, matching: language) == []) }
        #expect("// CPython reads".firstMatch(of: language) != nil, "the search finds one")
    }

    /// Everything else asks for `Language.capabilities`.
    @Test func `Only a language's own entry and its worker name it`() async throws {
        let language = /\.(javaScript|python)\b/
        for target in try await TargetGraph.ofThisPackage().shipped where !target.hasSuffix("Worker") {
            let found = try lines(of: target, matching: language)
            #expect(found.filter { !$0.hasPrefix("FunctionModel/Languages/") } == [])
        }
        #expect("if language == .python {".firstMatch(of: language) != nil, "the search finds one")
    }

    /// Each as `target/file:number: text`.
    private func lines(of target: String, matching expression: some RegexComponent) throws -> [String] {
        let folder = Binaries.repository.appendingPathComponent("Sources/\(target)").path
        return try FileManager.default.subpathsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".c") || $0.hasSuffix(".h") }.sorted()
            .flatMap { file in
                try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                    .split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                    .filter { $0.element.firstMatch(of: expression) != nil }
                    .map { "\(target)/\(file):\($0.offset + 1): \($0.element.drop { $0 == " " })" }
            }
    }
}

/// Targets that must not know others.
private struct Rule {
    struct Name: ExpressibleByStringLiteral {
        let name: String
        /// Of another package.
        var isProduct = false

        init(stringLiteral name: String) { self.name = name }
        init(product name: String) { (self.name, isProduct) = (name, true) }
    }

    let targets: [String]
    let forbidden: [Name]
    /// Whether an arrow through other targets counts too.
    let isTransitive: Bool
    let reason: String

    /// Each as `target -> forbidden`.
    func violations(in graph: TargetGraph) -> [String] {
        targets.flatMap { target in
            let known = isTransitive ? graph.reachable(from: target) : graph.arrows[target] ?? []
            return forbidden.filter { known.contains($0.name) }.map { "\(target) -> \($0.name)" }
        }
    }

    private static let http = ["Hummingbird", "HummingbirdCore", "HTTPTypes", "NIOHTTP1"].map(Name.init(product:))
    private static let storage: [Name] = ["FunctionStorage", "FileStorage"]
    private static let engines: [Name] = ["CJavaScriptCore", "CPython", "CSeccomp"]
    private static let networking = ["NIOCore", "NIOPosix", "NIOHTTP1", "Logging", "Crypto"].map(Name.init(product:))

    static let all = [
        Rule(
            targets: ["FunctionExecution"],
            forbidden: http + storage + [
                "Builds", "FunctionService", "Access", "DataPlane", "ControlPlane", "FaaSServer",
            ],
            isTransitive: true,
            reason: "The runtime calls functions, and knows neither their callers nor where they are kept."),
        Rule(
            targets: ["PolyglotFaaS"],
            forbidden: http + storage + ["FunctionService", "Access", "DataPlane", "ControlPlane", "FaaSServer"],
            isTransitive: true, reason: "The library is the runtime and its builds, without a server."),
        Rule(
            targets: ["DataPlane", "ControlPlane"], forbidden: ["FunctionExecution", "PolyglotFaaS", "Builds"],
            isTransitive: false, reason: "A route calls FunctionService and nothing below it."),
        Rule(
            targets: ["DataPlane"], forbidden: storage, isTransitive: false,
            reason: "The data path resolves functions through FunctionService."),
        Rule(
            targets: ["FunctionService", "Builds", "FunctionStorage", "FileStorage"], forbidden: http,
            isTransitive: true,
            reason: "The use cases and what they stand on know no HTTP."),
        Rule(
            targets: ["Builds"], forbidden: storage, isTransitive: true,
            reason: "A build turns source into a script; FunctionService keeps it."),
        Rule(
            targets: ["FunctionStorage", "FileStorage"], forbidden: ["FunctionExecution", "Builds", "PolyglotFaaS"],
            isTransitive: true, reason: "Storage keeps functions and calls none."),
        Rule(
            targets: ["FunctionModel", "JSON", "WorkerProtocol", "HostMemory"],
            forbidden: ["SystemCalls", "CLinuxShims"], isTransitive: true,
            reason: "Values and bytes: no system calls, so that they can be tested and fuzzed alone."),
        Rule(
            targets: ["faas"], forbidden: engines + ["Sandbox", "WorkerRuntime"], isTransitive: true,
            reason: "The host links no engine and runs no code of a function's."),
        Rule(
            targets: ["JavaScriptWorker", "PythonWorker", "BuildWorker"],
            forbidden: networking + ["FunctionModel", "FunctionExecution"], isTransitive: true,
            reason: "A worker has one thread and one socket."),
        Rule(
            targets: ["Sandbox", "WorkerRuntime"], forbidden: ["CJavaScriptCore", "CPython"], isTransitive: true,
            reason: "Only a worker executable knows its engine."),
        Rule(
            targets: ["FunctionExecution", "Builds", "FileStorage", "FunctionStorage", "Sandbox", "WorkerRuntime"],
            forbidden: ["CLinuxShims"], isTransitive: false, reason: "SystemCalls is the only Swift over CLinuxShims."),
    ]
}

/// Which target names which others, and which products of other packages.
private struct TargetGraph: Sendable {
    private(set) var arrows: [String: Set<String>]
    /// Targets that are neither tests nor support for tests.
    let shipped: [String]

    static func ofThisPackage() async throws -> TargetGraph {
        try await TemporaryDirectory.with { scratch in
            // A folder of its own: the package's is locked while it is built.
            let result = try await Program.run(
                "swift", ["package", "--scratch-path", scratch.path, "dump-package"], in: Binaries.repository.path)
            try #require(result.exit == .code(0), "\(result.errorOutput)")
            return TargetGraph(try JSONDecoder().decode(Description.self, from: Data(result.output.utf8)))
        }
    }

    private init(_ description: Description) {
        arrows = Dictionary(
            uniqueKeysWithValues: description.targets.map { ($0.name, Set($0.dependencies.compactMap(\.name))) })
        shipped = description.targets.filter { $0.type != "test" && $0.path == nil }.map(\.name)
    }

    mutating func add(_ from: String, _ to: String) { arrows[from, default: []].insert(to) }

    func reachable(from target: String) -> Set<String> {
        var found: Set<String> = []
        var rest = Array(arrows[target] ?? [])
        while let next = rest.popLast() {
            if found.insert(next).inserted { rest += arrows[next] ?? [] }
        }
        return found
    }

    /// Of `swift package dump-package`.
    private struct Description: Decodable {
        struct Target: Decodable {
            let name: String
            let type: String
            /// nil: the usual folder, in Sources or Tests.
            let path: String?
            let dependencies: [Dependency]
        }

        /// `{"byName": ["JSON", null]}` or `{"product": ["NIOCore", "swift-nio", null, null]}`.
        struct Dependency: Decodable {
            let byName: [String?]?
            let product: [Part?]?
            let target: [String?]?

            var name: String? {
                if let byName { return byName.first ?? nil }
                if let target { return target.first ?? nil }
                guard case .text(let name)?? = product?.first else { return nil }
                return name
            }

            /// A condition or module aliases may follow the names.
            enum Part: Decodable {
                case text(String)
                case other

                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    self = (try? container.decode(String.self)).map(Part.text) ?? .other
                }
            }
        }

        let targets: [Target]
    }
}
