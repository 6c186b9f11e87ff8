import FaaSTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// The resident memory of a host whose workers send as much as they can.
///
/// Before frames were bounded while they come, such hosts grew from 26 to 1,100 (lines), 1,400 (results), 1,700
/// (failures) and 1,900 MiB (half frames).
@Suite(.serialized) struct HostMemoryTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        /// A program for ``FakeWorkers``.
        let program: String
        let functions: Int
        let errorType: String
        var timeoutMillis = 20_000
        var testDescription: String { name }
    }

    static let attacks = [
        Attack(
            name: "1,000 lines of 1 MiB while loading",
            program: "for _ in range(1000): log(b'x' * (1 << 20))\nload_failed(3, 'no')", functions: 2,
            errorType: "WorkerCrashed"),
        Attack(
            name: "1,000,000 empty lines while loading",
            program: "for _ in range(1000): say(struct.pack('<IBB', 1, 18, 1) * 1000)\nload_failed(3, 'no')",
            functions: 2, errorType: "WorkerCrashed"),
        Attack(
            name: "1,000 lines of 1 MiB in a call",
            program:
                "def answer():\n  for _ in range(1000): log(b'x' * (1 << 20))\n  failure(4, 'no', 'No')\nserve(answer)",
            functions: 1, errorType: "WorkerCrashed"),
        Attack(
            name: "results of 63 MiB",
            program: "serve(lambda: long(19, 63 << 20))", functions: 32,
            errorType: "ResultNotSerializable"),
        Attack(
            name: "failures of 60 MiB",
            program:
                "start = struct.pack('<BIII', 4, 0, 0, 3) + b'Big' + struct.pack('<I', 59 << 20)\nserve(lambda: "
                + "long(20, 60 << 20, start))",
            functions: 32, errorType: "Big", timeoutMillis: 60_000),
        Attack(
            name: "half frames that never end",
            program: "ready(); take(); half(20, 64 << 20, b'\\x04' + b'\\0' * (1000 << 10))", functions: 32,
            errorType: "InvocationTimeout", timeoutMillis: 8000),
    ]

    /// What a quiet host grows by when it serves so many functions, and what the attackers' own limits allow: 32 times
    /// 1 MiB of failures or half frames, or 256 KiB of log.
    static let allowed = 96 << 20

    @Test(arguments: attacks)
    func `The host's memory stays bounded, and each caller has an answer`(attack: Attack) async throws {
        try await Workspace.with { workspace in
            try FakeWorkers.install(in: workspace.directory.path)
            for number in 0..<attack.functions {
                try workspace.directory.write(
                    String(
                        decoding: JSONSerialization.data(withJSONObject: [
                            "id": "hostile\(number)", "languageId": "python", "source": attack.program,
                            "timeoutMillis": attack.timeoutMillis, "maxResultBytes": 1024,
                        ]), as: UTF8.self), to: "\(number).manifest.json")
                let upload = try await workspace.faas("upload", "\(number).manifest.json")
                #expect(upload.exit == .code(0), "\(upload.errorOutput)")
            }
            try await Server.with(
                in: workspace, arguments: ["--sandbox", "off"],
                environment: ["FAAS_WORKER_DIR": workspace.directory.path]
            ) { server in
                let before = ProcessTable.residentBytes(of: server.program.pid)
                let largest = Mutex(0)
                let watch = Task.detached {
                    while !Task.isCancelled {
                        let now = ProcessTable.residentBytes(of: server.program.pid)
                        largest.withLock { $0 = max($0, now) }
                        try? await Task.sleep(for: .milliseconds(2))
                    }
                }
                defer { watch.cancel() }
                try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                    for number in 0..<attack.functions {
                        group.addTask { try await server.http.invoke("hostile\(number)") }
                    }
                    for try await answer in group {
                        #expect(
                            answer.text.contains(#""errorType":"\#(attack.errorType)""#), "\(answer.text.prefix(300))")
                    }
                }
                let grown = largest.withLock { $0 } - before
                print("\(attack.name): \(before >> 20) MiB, grown by \(grown >> 20) MiB")
                #expect(grown < Self.allowed, "grown by \(grown >> 20) MiB")
            }
        }
    }
}
