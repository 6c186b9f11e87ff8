import Glibc
import Sandbox

extension WorkerSystemCalls {
    /// What JavaScriptCore calls besides what every worker does. JavaScript itself can call nothing.
    static let javaScript = WorkerSystemCalls(
        allowed: [
            SystemCallRule(.allow, "membarrier", reason: "The engine's collector.")
        ],
        deniedWhileServing: [
            SystemCallRule(
                .refuse(EPERM), "mmap", "mprotect",
                when: .bits(argument: 2, mask: UInt64(PROT_EXEC), UInt64(PROT_EXEC)),
                reason: "All memory for code is mapped with the first context, and by the snapshot.")
        ])
}
