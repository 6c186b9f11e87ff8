import Foundation
import FunctionExecution
import FunctionModel
import SystemCalls

/// Installs Python packages with pip, for the CPython that the workers have.
///
/// It takes only wheels, which are unpacked: building a package would run its code. pip itself is not in a sandbox: it
/// needs the network and may read what this user may. It gets no variables of this process but those that configure it,
/// no input, and ten minutes.
package struct PackageInstaller: Sendable {
    let queue: BuildQueue
    let executables: WorkerExecutables
    /// Its worker executable says which interpreter the packages are for.
    let language: Language

    private static let timeoutSeconds = 600

    /// What the installed packages depend on: the same texts make the same folder.
    package func key(of requirements: [String]) async throws -> [String] {
        ["CPython \(try await pythonVersion())", Self.machine] + requirements
    }

    /// Installs packages into a folder.
    /// - Parameter progress: told what is installed. What pip writes goes to standard error.
    /// - Throws: `InvalidRequest` if pip fails or is not here, `Overloaded` if too many builds wait.
    package func install(
        _ requirements: [String], into folder: String, progress: @escaping @Sendable (String) -> Void
    ) async throws {
        let version = try await pythonVersion()
        try await queue.run(bytes: 0, isLong: true) {
            let python = try python(version)
            progress("Installing packages: \(requirements.joined(separator: ", "))")
            let arguments = [
                "-I", "-m", "pip", "install", "--target", folder, "--only-binary", ":all:", "--no-input",
                "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2", "--root-user-action",
                "ignore", "--",
            ]
            let status = try run(python, arguments + requirements, showing: true)
            guard status == 0 else {
                throw InvalidRequest(
                    "The packages cannot be installed: \(requirements.joined(separator: ", ")). What pip says is above. "
                        + "Only wheels are installed: a package that has only a source distribution is not built."
                )
            }
        }
    }

    private static var machine: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// `3.11`: of the interpreter that the workers are linked with. Its executable answers without starting it.
    private func pythonVersion() async throws -> String {
        let worker = try executables.path(for: language)
        return try await queue.run(bytes: 0) {
            let output = Pipe()
            let process = Process()
            process.executableURL = URL(fileURLWithPath: worker)
            process.arguments = ["--version"]
            process.environment = [:]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try? process.run()
            let text = String(decoding: (try? output.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            // "CPython 3.11.2"
            guard let version = text.firstMatch(of: /^CPython (\d+\.\d+)/) else {
                throw InvalidRequest("'\(worker)' does not say which version of Python it has.")
            }
            return String(version.1)
        }
    }

    /// The system's interpreter of this version: another one on the PATH would choose wheels for itself.
    private func python(_ version: String) throws -> String {
        for folder in ["/usr/bin", "/usr/local/bin"] {
            let path = "\(folder)/python\(version)"
            guard FileManager.default.isExecutableFile(atPath: path) else { continue }
            if try run(path, ["-I", "-m", "pip", "--version"], showing: false) == 0 { return path }
        }
        throw InvalidRequest(
            "Packages are installed with pip for Python \(version), which is not here: install it with 'apt-get "
                + "install python3-pip' (on Debian and Ubuntu)."
        )
    }

    /// Blocks until the program has ended.
    /// - Parameter showing: whether what it writes is shown, on standard error.
    private func run(_ program: String, _ arguments: [String], showing: Bool) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = Self.environment(ProcessInfo.processInfo.environment)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = showing ? FileHandle.standardError : FileHandle.nullDevice
        process.standardError = showing ? FileHandle.standardError : FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw InvalidRequest("'\(program)' cannot be started: \(error.localizedDescription)")
        }
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now() + .seconds(Self.timeoutSeconds))
        // A child that has not been waited for keeps its number, and this timer is cancelled before it is.
        timer.setEventHandler { process.terminate() }
        timer.activate()
        process.waitUntilExit()
        timer.cancel()
        return process.terminationStatus
    }

    /// What pip needs of this process's environment: other variables may hold secrets.
    static func environment(_ all: [String: String]) -> [String: String] {
        let names: Set = [
            "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "USER", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
            "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
        ]
        let proxies: Set = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"]
        return all.filter { name, _ in
            names.contains(name) || name.hasPrefix("PIP_") || proxies.contains(name.lowercased())
        }
    }
}
