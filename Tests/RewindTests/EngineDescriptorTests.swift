import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport
import Testing

@Suite struct EngineDescriptorTests {
    /// The open descriptors of a process that others could observe, or that reveal something: eventfds by the kernel's
    /// numbers, files in /proc by their paths.
    private static func open(_ pid: pid_t) throws -> Set<String> {
        var found: Set<String> = []
        for number in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") {
            let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(number)")) ?? ""
            if path.hasSuffix("[eventfd]") {
                let text = ProcessTable.text("/proc/\(pid)/fdinfo/\(number)") ?? ""
                found.insert(
                    try #require(text.split(separator: "\n").map(String.init).first { $0.hasPrefix("eventfd-id") }))
            } else if path.hasSuffix("/statm") {
                found.insert(path)
            }
        }
        return found
    }

    @Test func `What the engine opened in the zygote is each worker's own`() async throws {
        try await OwnRuntime.with { own in
            for number in 0..<2 {
                _ = try await own.runtime.invoke(
                    .init(languageID: "js", sourceCode: "exports.handler = () => \(number)"))
            }
            let zygote = try #require(own.workers.first).parent
            let all = [zygote] + own.workers.filter { $0.parent == zygote }.map(\.pid)
            #expect(all.count == 3)
            let open = try all.map(Self.open)
            for one in open {
                #expect(one.contains { $0.hasPrefix("eventfd-id") } && one.contains { $0.hasSuffix("/statm") })
            }
            #expect(open.reduce(0) { $0 + $1.count } == open.reduce(into: Set()) { $0.formUnion($1) }.count, "\(open)")
        }
    }
}
