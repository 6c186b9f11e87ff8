import Foundation
import FunctionModel
import Glibc
import Synchronization
import SystemCalls
import WorkerProtocol

/// The host's side of one zygote: a child process that forks workers, and a thread that listens to it.
///
/// The thread blocks in the kernel; NIO has no call that receives descriptors. It ends with the zygote.
final class ZygoteProcess: Sendable {
    enum Event: Sendable {
        /// The engine is ready to be forked.
        case started
        /// The caller owns `handle` (a pidfd).
        case forked(worker: UInt64, handle: Int32)
        case forkFailed(worker: UInt64, reason: String)
        case exited(worker: UInt64, exit: ProcessExit)
        /// Nothing follows. Every worker of this zygote has ended or is about to, and why.
        case zygoteEnded(any FunctionError)
    }

    private struct State {
        /// nil once the zygote has ended.
        var socket: Int32?
        var engine: String?
        var sandboxReport: SandboxReport?
        var startWaiters: [CheckedContinuation<String, any Error>] = []
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }

    typealias OpenHandle = @Sendable (pid_t) throws(SystemCallError) -> Int32

    enum ForkRequest {
        case sent
        /// Too many requests wait in the zygote's socket. Nothing was sent.
        case busy
        /// The zygote has ended.
        case ended
    }

    let kind: ZygoteKind
    private let openHandle: OpenHandle
    private let executable: String
    private let sandbox: SandboxRequest
    private let state: Mutex<State>

    var language: Language { kind.language }

    /// - Parameters:
    ///   - openHandle: opens the pidfd of the process. Tests make it fail.
    ///   - onEvent: called on the zygote's thread.
    init(
        kind: ZygoteKind, executable: String, sandbox: SandboxRequest,
        openHandle: @escaping OpenHandle = { pid throws(SystemCallError) in try Processes.openHandle(pid) },
        onEvent: @escaping @Sendable (Event) -> Void
    ) throws(SystemCallError) {
        self.kind = kind
        self.openHandle = openHandle
        self.executable = executable
        self.sandbox = sandbox
        let (ours, theirs) = try Sockets.makeMessagePair()
        state = Mutex(State(socket: ours))
        // Making namespaces can take the kernel long, and event loops call this. Fork requests wait in the socket
        // meanwhile.
        let thread = Thread { [self] in
            let started = Result { () throws(SystemCallError) in try spawn(theirs) }
            Descriptors.close(theirs)
            switch started {
            case .success(let (pid, handle)): listen(on: ours, pid, handle, onEvent: onEvent)
            case .failure(let error):
                let failure: any FunctionError =
                    error.isOutOfDescriptors
                    ? Overloaded.noDescriptors
                    : WorkerCrashed("The \(kind.language.name) zygote cannot be started: \(error)")
                end(ours, failure, onEvent: onEvent)
            }
        }
        thread.name = "zygote \(kind.language.id)"
        thread.start()
    }

    private func spawn(_ socket: Int32) throws(SystemCallError) -> (pid: pid_t, handle: Int32) {
        // Nothing of the host's environment. Symbols are bound at the start: bound on first use, they would be bound
        // again after every rewind.
        let pid = try spawn(environment: ["LD_BIND_NOW=1"], socket)
        return (pid, try Processes.takeHandle(ofChild: pid, open: openHandle))
    }

    private func spawn(environment: [String], _ socket: Int32) throws(SystemCallError) -> pid_t {
        let arguments =
            sandbox.arguments + kind.folders.map { "--read=\($0)" }
            + (kind.temporaryMB.map { ["--temporary-mb=\($0)"] } ?? [])
            + (kind.keepsState ? ["--keep-state"] : [])
        if sandbox.wantsNamespaces {
            do {
                return try Processes.spawnIsolated(
                    executable, arguments: arguments, environment: environment, socket: socket)
            } catch {
                // Not allowed here: in a container, for example. The zygote reports what is left.
            }
        }
        return try Processes.spawn(executable, arguments: arguments, environment: environment, socket: socket)
    }

    /// What confines its workers; nil until the engine has started.
    var sandboxReport: SandboxReport? { state.withLock { $0.sandboxReport } }

    // MARK: Asking

    /// Asks for a worker's process, or for a spare, that serves `socket`, which stays the caller's. Never waits: event
    /// loops call this.
    func fork(worker: UInt64, isSpare: Bool, priority: ProcessPriority, socket: Int32) -> ForkRequest {
        let request = ZygoteRequest.fork(worker: worker, isSpare: isSpare, priority: priority.rawValue).encoded()
        return state.withLock { state in
            guard let own = state.socket else { return .ended }
            do {
                try request.withUnsafeBytes { try Sockets.send($0, descriptor: socket, to: own, waits: false) }
                return .sent
            } catch let error as SystemCallError where error.code == EAGAIN || error.code == ETOOMANYREFS {
                return .busy
            } catch {
                return .ended
            }
        }
    }

    /// Waits until the engine is ready to be forked.
    /// - Returns: its name and version.
    func waitUntilStarted() async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let answer: Result<String, any Error>? = state.withLock { state in
                if let engine = state.engine { return .success(engine) }
                if state.socket == nil {
                    if let report = state.sandboxReport, isRefused(report) {
                        return .failure(SandboxUnavailable(weaknesses: report.weaknesses))
                    }
                    return .failure(Self.ended(language, nil))
                }
                state.startWaiters.append(continuation)
                return nil
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// Tells the zygote to end, and with it its workers.
    func close() {
        state.withLock { if let socket = $0.socket { Descriptors.shutDown(socket) } }
    }

    /// Tells the zygote to end, and waits for it.
    func end() async {
        close()
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if state.socket == nil { return true }
                state.endWaiters.append(continuation)
                return false
            }
            if hasEnded { continuation.resume() }
        }
    }

    // MARK: Listening

    private func listen(on socket: Int32, _ pid: pid_t, _ handle: Int32, onEvent: (Event) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: ZygoteReport.maximumLength, alignment: 8) { buffer in
            while let event = receive(from: socket, buffer) {
                if let event { onEvent(event) }
            }
        }
        // The zygote has closed its socket, been told to end, or broken the protocol. It ends its workers first; if
        // that takes too long, the kernel ends them with it.
        Descriptors.shutDown(socket)
        if !Processes.waitForEnd(handle: handle, timeoutMillis: 2000) { Processes.kill(handle: handle) }
        let exit = try? Processes.wait(for: pid)
        Descriptors.close(handle)
        end(socket, endError(exit), onEvent: onEvent)
    }

    private func end(_ socket: Int32, _ error: any FunctionError, onEvent: (Event) -> Void) {
        let (startWaiters, endWaiters) = state.withLock { state in
            state.socket = nil
            defer { (state.startWaiters, state.endWaiters) = ([], []) }
            return (state.startWaiters, state.endWaiters)
        }
        Descriptors.close(socket)
        onEvent(.zygoteEnded(error))
        for waiter in startWaiters { waiter.resume(throwing: error) }
        for waiter in endWaiters { waiter.resume() }
    }

    /// The next event; `.some(nil)` for a report that is handled here; nil at the end.
    private func receive(from socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Event?? {
        guard let (count, descriptor) = try? Sockets.receive(into: buffer, from: socket), count > 0,
            let report = try? ZygoteReport(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        else { return nil }
        if descriptor >= 0, case .forked = report {} else if descriptor >= 0 { Descriptors.close(descriptor) }
        switch report {
        case .started(let engine, let layers):
            let report = SandboxReport(language: language, engine: engine, layers: layers)
            let waiters: [CheckedContinuation<String, any Error>] = state.withLock { state in
                state.sandboxReport = report
                // The zygote refuses by itself, and ends.
                if isRefused(report) { return [] }
                state.engine = engine
                defer { state.startWaiters = [] }
                return state.startWaiters
            }
            for waiter in waiters { waiter.resume(returning: engine) }
            return isRefused(report) ? .some(nil) : .started
        case .forked(let worker, _):
            // The kernel drops a descriptor that this process has no room for. The worker ends when its socket is closed.
            guard descriptor >= 0 else {
                return .forkFailed(worker: worker, reason: "the host has as many files and connections open as it may")
            }
            return .forked(worker: worker, handle: descriptor)
        case .forkFailed(let worker, let reason):
            return .forkFailed(worker: worker, reason: reason)
        case .exited(let worker, let status):
            return .exited(worker: worker, exit: ProcessExit(waitStatus: status))
        }
    }

    private func isRefused(_ report: SandboxReport) -> Bool { sandbox.mode == .required && !report.weaknesses.isEmpty }

    /// Why this zygote has ended.
    private func endError(_ exit: ProcessExit?) -> any FunctionError {
        if let report = sandboxReport, isRefused(report) { return SandboxUnavailable(weaknesses: report.weaknesses) }
        return Self.ended(language, exit)
    }

    static func ended(_ language: Language, _ exit: ProcessExit?) -> WorkerCrashed {
        WorkerCrashed("The \(language.name) zygote ended\(exit.map { ": \($0)" } ?? "").")
    }
}
