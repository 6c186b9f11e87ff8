import Foundation
import FunctionModel
import PolyglotFaaS
import SystemCalls
import TestSupport
import Testing
import WorkerProtocol

@testable import FunctionExecution

@Suite struct ControlGroupTests {
    private static let mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let other = "24 23 0:22 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

    @Test(arguments: [
        ("0::/a/b\n", mount, "/sys/fs/cgroup/a/b"),
        ("0::/\n", mount, "/sys/fs/cgroup"),
        ("4:memory:/x\n0::/a\n", other + mount, "/sys/fs/cgroup/a"),
        // A container that sees a part of the hierarchy.
        ("0::/docker/x/y\n", "30 23 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/y"),
        ("0::/docker/x\n", "30 23 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup"),
        ("0::/docker/xy\n", "30 23 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", nil),
        ("0::/../a\n", mount, nil), ("4:memory:/x\n", mount, nil), ("0::/a\n", other, nil),
        ("0::/a\n", "30 23\n\n- cgroup2\n", nil), ("", "", nil),
    ])
    func `The group of this process is found among the mounts`(groups: String, mounts: String, path: String?) {
        let files = ["/proc/self/cgroup": groups, "/proc/self/mountinfo": mounts]
        #expect(ControlGroup.ofThisProcess { files[$0] ?? "" }?.path == path)
    }

    /// script/vm runs them in a machine that leaves a group to them.
    private static let isDelegated = (try? ControlGroups.ofThisProcess().get()) != nil

    /// Nine children with 60 MB each: more than the function may have, though none of the processes has.
    private static let family = """
        import os, time
        for _ in range(9):
          if os.fork() == 0:
            kept = bytearray(b"x" * (60 << 20))
            time.sleep(60)
        time.sleep(2)
        def handler(event): return "loaded"
        """

    @Test(.enabled(if: isDelegated, "no control group is delegated to this process: script/vm"))
    func `What a worker and its children have together is limited, and said to be the memory limit`() async throws {
        try await withRuntime {
            $0.usesControlGroups = true
        } _: { runtime in
            #expect(runtime.controlGroupReport.state == "active", "\(runtime.controlGroupReport.detail)")
            let error = try await #require(throws: MemoryLimitExceeded.self) {
                try await runtime.invoke(.python(Self.family, timeoutMillis: 60_000))
            }
            #expect(error.message == "Memory limit of 128 MB exceeded")
        }
        // Room for the same in a function that may have more.
        try await withRuntime {
            ($0.memoryMB, $0.usesControlGroups) = (1000, true)
        } _: { runtime in
            try await #expect(runtime.value(.python(Self.family, timeoutMillis: 60_000)) == "loaded")
        }
    }

    @Test(.enabled(if: isDelegated, "no control group is delegated to this process: script/vm"))
    func `A worker starts no more threads than it may, whatever others do`() async throws {
        try await withRuntime {
            ($0.memoryMB, $0.usesControlGroups) = (1000, true)
        } _: { runtime in
            let source = """
                import threading
                threading.stack_size(65536)
                def handler(event):
                  end = threading.Event()
                  threads = 0
                  try:
                    while threads < 2000:
                      threading.Thread(target=end.wait).start()
                      threads += 1
                  except RuntimeError: pass
                  end.set()
                  return threads
                """
            let count = try #require(try await runtime.value(.python(source, timeoutMillis: 60_000)).integerValue)
            #expect(count > 100)
            #expect(count < TaskLimit.watched)
        }
    }

    @Test(.enabled(if: isDelegated, "no control group is delegated to this process: script/vm"))
    func `Groups go with their workers, and the last runtime leaves the group as it was`() async throws {
        func groups() throws -> [String] {
            try #require(ControlGroup.ofThisProcess()).children.map { String($0.name) }.sorted()
        }
        let before = try #require(ControlGroup.ofThisProcess())
        try await withRuntime {
            ($0.idleTimeoutMillis, $0.usesControlGroups) = (50, true)
        } _: { runtime in
            let own = try #require(ControlGroup.ofThisProcess())
            #expect(own.name == "faas-host")
            let parent = ControlGroup.parent(of: own)
            try await #expect(runtime.value(.js("exports.handler = () => 1")) == 1)
            try await waitUntil("the worker has a group") {
                parent.children.contains { $0.name.hasPrefix("faas-worker-") && $0.processes.count == 1 }
            }
            try await waitUntil("the group has gone with the worker") { parent.children.map(\.name) == ["faas-host"] }
        }
        try await waitUntil("this process is where it was") { ControlGroup.ofThisProcess() == before }
        try #expect(groups() == [])
    }
}

extension ControlGroup {
    fileprivate static func parent(of group: ControlGroup) -> ControlGroup {
        ControlGroup(path: URL(fileURLWithPath: group.path).deletingLastPathComponent().path)
    }
}
