import Testing

@testable import SystemCalls

@Suite struct MachineMemoryTests {
    private static let meminfo = "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   20000000 kB\n"

    private static func available(_ files: [String: String]) -> Int {
        MachineMemory.available { path in path == "/proc/meminfo" ? meminfo : files[path] ?? "" }
    }

    @Test func `Without a control group it is what the machine has available`() {
        #expect(Self.available([:]) == 20_000_000 << 10)
        #expect(
            Self.available(["/proc/self/cgroup": "0::/user.slice\n", "/sys/fs/cgroup/user.slice/memory.max": "max\n"])
                == 20_000_000 << 10)
        #expect(MachineMemory.available { _ in "" } == .max)
    }

    @Test(arguments: ["9223372036854775807", "9007199254740992", "-1", "9223372036854775808", "nan", ""])
    func `A file of the kernel's that makes no sense gives a number that does`(text: String) {
        let available = MachineMemory.available {
            $0 == "/proc/meminfo"
                ? "MemAvailable: \(text) kB\n" : $0 == "/proc/self/cgroup" ? "0::/\n" : "\(text)\n"
        }
        #expect(available >= 0)
    }

    @Test(arguments: [
        ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "512000000\n"],
        ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/memory.max": "512000000\n"],
        [
            "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": "512000000\n",
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
        ],
        [
            "/proc/self/cgroup": "4:cpu,memory:/x\n0::/\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "512000000\n",
        ],
        ["/proc/self/cgroup": "4:memory:/a/b\n", "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "512000000\n"],
        ["/proc/self/cgroup": "4:memory:/docker/x\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "512000000\n"],
    ])
    func `A control group's limit counts if it is less`(files: [String: String]) {
        #expect(Self.available(files) == 512_000_000)
    }
}
