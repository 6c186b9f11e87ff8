import Foundation
import FunctionModel
import PolyglotFaaS
import TestSupport

/// The sandbox of one kind of machine.
enum Mode: String, CaseIterable, Sendable {
    case full
    /// Like a container with the usual seccomp profile.
    case noNamespaces = "no namespaces"
    /// Like a kernel without Landlock, which confines files and signals.
    case noLandlock = "no Landlock"
    /// Like a container on such a kernel: only descriptors, limits and the system call filter are left.
    case filterOnly = "no namespaces, no Landlock"
    case off

    func configure(_ configuration: inout FunctionRuntime.Configuration) {
        switch self {
        case .full: configuration.sandbox = .bestEffort
        case .noNamespaces: configuration.sandboxWithout = ["namespaces", "root"]
        case .noLandlock: configuration.sandboxWithout = ["files", "signals"]
        case .filterOnly: configuration.sandboxWithout = ["namespaces", "root", "files", "signals"]
        case .off: configuration.sandbox = .off
        }
    }
}

/// A runtime for attempts, with canaries around it and a neighbour: a function that attempts must not harm.
struct Stage: Sendable {
    let mode: Mode
    /// Whether the mode permits namespaces and this machine has them; containers often do not.
    let hasNamespaces: Bool
    let runtime: FunctionRuntime
    let canaries: Canaries
    private let directory: URL

    /// - Parameter isOneWorkerEnough: otherwise there are as many workers as a host has by default.
    static func with<Result>(_ mode: Mode, isOneWorkerEnough: Bool = true, _ body: (Stage) async throws -> Result)
        async throws -> Result
    {
        try await Canaries.with { canaries in
            // The executables are copies, so that these processes can be told apart from all others.
            let directory = URL(fileURLWithPath: canaries.directory.path("workers"))
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            for executable in [Binaries.javaScriptWorker, Binaries.pythonWorker] {
                try FileManager.default.copyItem(
                    at: executable, to: directory.appendingPathComponent(executable.lastPathComponent))
            }
            var configuration = FunctionRuntime.Configuration()
            configuration.workerDirectory = directory.path
            configuration.idleTimeoutMillis = 600_000
            if isOneWorkerEnough {
                (configuration.maximumWorkersPerFunction, configuration.spareWorkersPerLanguage) = (1, 0)
            }
            mode.configure(&configuration)
            let runtime = FunctionRuntime(configuration: configuration)
            do {
                try await runtime.start()
                let hasNamespaces = runtime.sandboxReports.allSatisfy {
                    $0.layers.contains { $0.name == "namespaces" && $0.isActive }
                }
                let stage = Stage(
                    mode: mode, hasNamespaces: hasNamespaces, runtime: runtime, canaries: canaries, directory: directory
                )
                let result = try await body(stage)
                await runtime.shutDown()
                return result
            } catch {
                await runtime.shutDown(gracePeriod: .zero)
                throw error
            }
        }
    }

    /// The result of one attempt.
    struct Result: Sendable {
        let succeeded: Bool
        /// What the caller saw, shortened.
        let seen: String
        /// Harm to other functions, which no attempt may do.
        let harm: String?
    }

    var processes: [ProcessEntry] {
        ProcessTable.all().filter {
            // Only the owner may read the link to the executable, but everyone may read the path that it was started
            // with.
            ProcessTable.text("/proc/\($0.pid)/cmdline")?.hasPrefix(directory.path) == true && $0.isRunning
        }
    }

    func run(_ attempt: Attempt) async throws -> Result {
        let neighbour = try await startNeighbour()
        try canaries.resetFolder()
        let (folder, hits, descriptors) = (canaries.folderState(), canaries.victimHits, openDescriptorCount())
        if case .file(let path) = attempt.oracle { unlink(path) }
        var request = InvocationRequest(
            languageID: attempt.language.id, sourceCode: attempt.source,
            event: [
                "secret": .string(canaries.secretFile), "folder": .string(canaries.folder),
                "port": .integer(Int64(canaries.port)),
                "path": .string(canaries.socketPath), "name": .string(canaries.socketName),
                "victim": .integer(Int64(canaries.victim.pid)),
                "neighbour": .integer(Int64(neighbour.pid)),
            ])
        request.limits.temporaryMB = attempt.temporaryMB
        if case .deadline = attempt.oracle { request.timeoutMillis = 500 } else { request.timeoutMillis = 10_000 }
        let start = ContinuousClock.now
        var seen: String
        do {
            seen = String(decoding: try await runtime.invoke(request).json.prefix(200), as: UTF8.self)
        } catch let error as HandlerError {
            seen = "\(error.errorType): \(error.message)"
        } catch let error as any FunctionError {
            seen = "\(error.errorType): \(error.message)"
        }
        let duration = ContinuousClock.now - start
        let succeeded: Bool
        switch attempt.oracle {
        case .secret: succeeded = seen.contains(canaries.secret)
        case .folder: succeeded = canaries.folderState() != folder
        case .file(let path): succeeded = FileManager.default.fileExists(atPath: path)
        case .listener: succeeded = canaries.wereReached()
        case .victim:
            // A shell handles a signal only after its current command has ended.
            try? await waitUntil("the victim notes a signal", within: .milliseconds(mode == .off ? 1000 : 250)) {
                canaries.victimHits > hits
            }
            succeeded = canaries.victimHits > hits || canaries.victim.hasEnded != nil
        case .neighbour: succeeded = try await !isWell(neighbour)
        case .processes:
            // The processes of workers themselves start and end meanwhile.
            let isTidy: Void? = try? await waitUntil("no process is left", within: .seconds(2)) {
                processes.count <= 2 + runtime.workerCount * 2 && leftovers.isEmpty
            }
            succeeded = isTidy == nil
        case .deadline: succeeded = duration > .seconds(3)
        case .hostDescriptors: succeeded = openDescriptorCount() > descriptors + 40
        case .answer: succeeded = seen == "\"done\""
        }
        if case .file(let path) = attempt.oracle { unlink(path) }
        // If the neighbour is the oracle, harm to it is the attempt's success.
        var harm: String?
        if case .neighbour = attempt.oracle {
        } else if try await !isWell(neighbour) {
            harm = "the neighbour has lost its state"
        }
        return Result(succeeded: succeeded, seen: String(seen.replacing("\n", with: " ").prefix(120)), harm: harm)
    }

    /// Processes that belong neither to a worker nor to a zygote: children of a zygote that the runtime does not know,
    /// and their children.
    private var leftovers: [ProcessEntry] {
        let all = processes
        let zygotes = Set(all.filter { $0.parent == getpid() }.map(\.pid))
        let direct = all.filter { zygotes.contains($0.parent) }
        return direct.count > runtime.workerCount ? direct : []
    }

    // MARK: The neighbour

    struct Neighbour: Sendable {
        let pid: pid_t
        let calls: Int64
    }

    private static let neighbourSource = "n = 0\ndef handler(event):\n  global n\n  n += 1\n  return n"

    private func callNeighbour() async throws -> Int64 {
        var request = InvocationRequest(languageID: "python", sourceCode: Self.neighbourSource, timeoutMillis: 10_000)
        request.isolation = .instance
        return try await runtime.invoke(request).value.integerValue ?? 0
    }

    private func startNeighbour() async throws -> Neighbour {
        let calls = try await callNeighbour()
        // The oldest Python worker is the neighbour's, because it is the first function that this runtime served.
        let zygotes = Set(processes.filter { $0.parent == getpid() && $0.name.hasPrefix("faas-worker-pyt") }.map(\.pid))
        let workers = processes.filter { zygotes.contains($0.parent) }.map(\.pid).sorted()
        guard let pid = workers.first else { throw TestFailure("the neighbour has no process") }
        return Neighbour(pid: pid, calls: calls)
    }

    private func isWell(_ neighbour: Neighbour) async throws -> Bool {
        (try? await callNeighbour()) ?? 0 == neighbour.calls + 1
    }
}

private func openDescriptorCount() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
}
