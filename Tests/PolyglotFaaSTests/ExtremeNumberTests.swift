import FunctionModel
import NIOCore
import PolyglotFaaS
import TestSupport
import Testing

@testable import FunctionExecution

/// A runtime with any numbers in its configuration, and functions with any limits, answer or fail with an error; they
/// never trap.
@Suite struct ExtremeNumberTests {
    private static let numbers = [Int.min, -1, 0, 1, 1 << 31, 1 << 53, .max]
    private static let fractions = [-Double.infinity, -1, 0, .leastNonzeroMagnitude, 1e308, .infinity, .nan]

    /// Calls a function once with this configuration. The call has an outcome, if only that there is no room for it.
    private static func tryOut(_ change: (inout FunctionRuntime.Configuration) -> Void) async throws {
        let value = try await withRuntime(change) { runtime in
            let request = InvocationRequest.js("exports.handler = () => 1", timeoutMillis: 20_000)
            return await runtime.outcome(of: request)
        }
        #expect(
            [
                "result", "Overloaded", "LoadError", "MemoryLimitExceeded", "ResultNotSerializable", "WorkerCrashed",
                "InvocationTimeout", "CPULimitExceeded", "PayloadTooLarge",
            ].contains(value), "\(value)")
    }

    @Test func `Every number of a configuration has a range`() {
        let tables = FunctionRuntime.Configuration.self
        let named = Set(tables.ranges.map(\.name) + tables.optionalRanges.map(\.name) + tables.shares.map(\.name))
        let numbers = Mirror(reflecting: FunctionRuntime.Configuration()).children.filter {
            ["Int", "Optional<Int>", "Double"].contains("\(type(of: $0.value))")
        }.compactMap(\.label)
        let limits = Mirror(reflecting: FunctionLimits()).children.compactMap { $0.label.map { "ceilings.\($0)" } }
        #expect(numbers.count > 15 && limits.count == 9)
        // Only tests set this one.
        #expect(Set(numbers + limits).subtracting(named) == ["graceMillis"])
        #expect(named.subtracting(numbers + limits) == [])
    }

    @Test(arguments: FunctionRuntime.Configuration.ranges.indices)
    func `A runtime takes any number`(index: Int) async throws {
        let (name, field, range) = FunctionRuntime.Configuration.ranges[index]
        var tried: Set<Int> = []
        for number in Self.numbers {
            var configuration = FunctionRuntime.Configuration()
            configuration[keyPath: field] = number
            let effective = configuration.clamped()[keyPath: field]
            #expect(range.contains(effective) && (effective == number || !range.contains(number)), "\(name): \(number)")
            // Another number that has the same effect shows nothing more.
            if tried.insert(effective).inserted { try await Self.tryOut { $0[keyPath: field] = number } }
        }
    }

    @Test(arguments: FunctionRuntime.Configuration.optionalRanges.indices)
    func `A runtime takes any number where there may be none`(index: Int) async throws {
        let (_, field, range) = FunctionRuntime.Configuration.optionalRanges[index]
        var tried: Set<Int> = []
        for number in Self.numbers {
            var configuration = FunctionRuntime.Configuration()
            configuration[keyPath: field] = number
            let effective = try #require(configuration.clamped()[keyPath: field])
            #expect(range.contains(effective))
            if tried.insert(effective).inserted { try await Self.tryOut { $0[keyPath: field] = number } }
        }
    }

    @Test(arguments: FunctionRuntime.Configuration.shares.indices)
    func `A runtime takes any share`(index: Int) async throws {
        let (_, field) = FunctionRuntime.Configuration.shares[index]
        for share in Self.fractions {
            var configuration = FunctionRuntime.Configuration()
            configuration[keyPath: field] = share
            #expect((0...1).contains(configuration.clamped()[keyPath: field]))
            try await Self.tryOut { $0[keyPath: field] = share }
        }
    }

    /// A program that uses the library gives its functions any limits. Manifests have ranges.
    @Test func `A function's limits may be any numbers`() async throws {
        let fields: [WritableKeyPath<FunctionDefinition, Int?>] = [
            \.timeoutMillis, \.limits.memoryMB, \.limits.cpuMillis, \.limits.maxConcurrency, \.limits.maxEventBytes,
            \.limits.maxResultBytes, \.limits.maxLogBytes, \.limits.temporaryMB, \.limits.minWorkers,
            \.limits.idleTimeoutMillis,
        ]
        #expect(fields.count == Mirror(reflecting: FunctionLimits()).children.count + 1)
        try await withRuntime { runtime in
            for language in [Language.javaScript, .python] {
                let source =
                    language.id == "js" ? "exports.handler = () => console.log('x') || 1" : "def handler(e): print('x')"
                for field in fields {
                    if field == \.limits.temporaryMB, language.id == "js" { continue }
                    for number in Self.numbers {
                        var definition = FunctionDefinition(language: language, sourceCode: source)
                        definition[keyPath: field] = number
                        let function = Function(
                            id: try FunctionID("f"), revision: "\(field)\(number)", definition: definition)
                        let outcome = await runtime.run(
                            function, event: ByteBuffer(string: "{}"), requestID: "r",
                            timeoutMillis: field == \.timeoutMillis ? number : 20_000)
                        if case .failure(let error) = outcome.result {
                            #expect(error is any FunctionError, "\(field) \(number): \(error)")
                        }
                    }
                }
            }
        }
    }
}
