import Foundation

/// Whether this machine lets its users make namespaces; containers often do not.
public enum Namespaces {
    /// Whether a user other than root may make namespaces, which the private root needs.
    public static let areAllowed: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "true"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
