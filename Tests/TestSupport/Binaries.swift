import Foundation

/// The executables built beside the test bundle.
public enum Binaries {
    /// The build folder, for example `.build/x86_64-unknown-linux-gnu/debug`.
    public static let directory: URL = {
        let executable =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: executable).deletingLastPathComponent()
    }()

    public static var faas: URL { directory.appendingPathComponent("faas") }
    public static var javaScriptWorker: URL { directory.appendingPathComponent("faas-worker-javascript") }
    public static var scriptBuilder: URL { directory.appendingPathComponent("faas-script-builder") }
    public static var pythonWorker: URL { directory.appendingPathComponent("faas-worker-python") }

    /// The root of the checkout.
    public static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}
