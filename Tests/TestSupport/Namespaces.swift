import Foundation

/// What a machine lets its users do; containers often do not.
public enum Namespaces {
    /// Whether somebody who is not root may make namespaces, and so whether there is a private root.
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
