import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import PolyglotFaaS

/// Installs Python packages with pip, for the CPython that the workers have.
///
/// Only wheels, which are unpacked: building a package runs its code, here and with this user's rights.
struct PackageInstaller {
    let layers: LayerStore

    /// - Returns: the folder with the packages, which functions with the same list share.
    func install(_ requirements: [String]) async throws -> String {
        let version = try await pythonVersion()
        let name = LayerStore.name("packages", of: ["CPython \(version)", Self.machine] + requirements)
        if let path = layers.path(of: name) { return path }
        let python = try python(version)
        Output.note("Installing packages: \(requirements.joined(separator: ", "))")
        let path = try layers.layer(name) { folder in
            let status = try run(
                python,
                [
                    "-I", "-m", "pip", "install", "--target", folder, "--only-binary", ":all:", "--no-input",
                    "--disable-pip-version-check",
                    "--progress-bar", "off", "--retries", "2", "--root-user-action", "ignore", "--",
                ] + requirements, showing: true)
            guard status == 0 else {
                throw InvalidRequest(
                    "The packages cannot be installed: \(requirements.joined(separator: ", ")). What pip says is above."
                )
            }
        }
        Output.note("Installed in \(path)")
        return path
    }

    private static var machine: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// `3.11`: of the interpreter that the workers are linked with, which only they know.
    private func pythonVersion() async throws -> String {
        var configuration = FunctionRuntime.Configuration()
        configuration.spareWorkersPerLanguage = 0
        let runtime = FunctionRuntime(configuration: configuration)
        let engine: String
        do {
            engine = try await runtime.start(Language.all.filter(\.capabilities.installsPackages))[0]
        } catch {
            await runtime.shutDown()
            throw error
        }
        await runtime.shutDown()
        return engine.split(separator: " ").last!.split(separator: ".").prefix(2).joined(separator: ".")
    }

    /// The system's interpreter of this version: another one on the PATH would choose wheels for itself.
    private func python(_ version: String) throws -> String {
        for folder in ["/usr/bin", "/usr/local/bin"] {
            let path = "\(folder)/python\(version)"
            guard FileManager.default.isExecutableFile(atPath: path) else { continue }
            if try run(path, ["-I", "-m", "pip", "--version"], showing: false) == 0 { return path }
        }
        throw InvalidRequest(
            "Packages are installed with pip for Python \(version), which is not here: install it with 'apt-get install python3-pip' (on Debian and Ubuntu)."
        )
    }

    /// - Parameter showing: whether what it writes is shown, on standard error.
    private func run(_ program: String, _ arguments: [String], showing: Bool) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = showing ? FileHandle.standardError : FileHandle.nullDevice
        process.standardError = showing ? FileHandle.standardError : FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw InvalidRequest("'\(program)' cannot be started: \(error.localizedDescription)")
        }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
