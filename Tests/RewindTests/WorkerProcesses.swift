import Foundation
import PolyglotFaaS
import TestSupport

/// A runtime whose processes can be told apart from those of all other tests: its executables are hard links of its
/// own.
struct OwnRuntime: Sendable {
    let runtime: FunctionRuntime
    private let directory: URL

    static func with<Result>(
        _ configure: (inout FunctionRuntime.Configuration) -> Void = { _ in },
        _ body: (OwnRuntime) async throws -> Result
    ) async throws -> Result {
        let directory = Binaries.directory.appendingPathComponent("rewind-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // The executables can be replaced, to try a change of the workers.
        let origin =
            ProcessInfo.processInfo.environment["REWIND_WORKERS"].map { URL(fileURLWithPath: $0) } ?? Binaries.directory
        for executable in [Binaries.javaScriptWorker, Binaries.pythonWorker].map({
            origin.appendingPathComponent($0.lastPathComponent)
        }) {
            try FileManager.default.linkItem(
                at: executable, to: directory.appendingPathComponent(executable.lastPathComponent))
        }
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = directory.path
        configuration.maximumWorkersPerFunction = 1
        configuration.spareWorkersPerLanguage = 0
        // New workers run after the others on a busy machine, and here some functions get a new one in each call.
        configuration.loadTimeoutMillis = 60_000
        configure(&configuration)
        let own = OwnRuntime(runtime: FunctionRuntime(configuration: configuration), directory: directory)
        do {
            let result = try await body(own)
            await own.runtime.shutDown()
            return result
        } catch {
            await own.runtime.shutDown(gracePeriod: .zero)
            throw error
        }
    }

    /// Zygotes, workers and all processes that they forked.
    var processes: [ProcessEntry] {
        ProcessTable.all().filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0.pid)/exe"))?.hasPrefix(
                directory.path) == true
        }
    }

    var zygotes: [ProcessEntry] { processes.filter { $0.parent == getpid() } }

    /// The workers without their forked copies.
    var workers: [ProcessEntry] {
        let zygotes = Set(zygotes.map(\.pid))
        return processes.filter { zygotes.contains($0.parent) }
    }
}

extension ProcessEntry {
    /// Physical memory of this process alone, in bytes: its snapshot is counted, memory shared with others is not.
    var ownMemory: Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8) else { return 0 }
        return text.split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            guard fields.count > 1, ["Private_Clean:", "Private_Dirty:", "Shared_Dirty:"].contains(fields[0]) else {
                return sum
            }
            return sum + (Int(fields[1]) ?? 0) * 1024
        }
    }

    /// Memory that it shares only with its own forks, in bytes: all pages that it has written to since the zygote's
    /// image was made.
    var writtenMemory: Int {
        let text = ProcessTable.text("/proc/\(pid)/status") ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 } ?? 0
    }

    /// The mapped bytes of its snapshot's file. 0: it has no snapshot.
    var snapshotSize: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { $0.contains("/memfd:snapshot") && $0.contains(" rw") }.reduce(0) {
            sum, line in
            let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
            return sum + ends[1] - ends[0]
        }
    }

    /// How often it has voluntarily given up the processor.
    var sleepCount: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    var residentMemory: Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }
}

/// Number of this process's open descriptors.
func openDescriptorCount() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
}
