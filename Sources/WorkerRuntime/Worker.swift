import Glibc
import Sandbox
import WorkerProtocol

/// The main loop of a worker: loads one function, then serves one invocation after the other until the host closes the
/// socket.
enum Worker {
    static func run(_ runtime: any LanguageRuntime, channel: WorkerChannel, sandbox: Sandbox) -> Never {
        do {
            guard var function = try receiveFunction(channel) else { _exit(0) }
            function.sourceFolder = sandbox.pathInWorker(function.sourceFolder)
            function.packageFolder = sandbox.pathInWorker(function.packageFolder)
            var sandbox = WorkerSandbox(sandbox, forks: runtime.forks(at: function.isolation))
            if let missing = sandbox.lackOfTemporaryFiles {
                let text =
                    "The function asks for temporary files ('temporaryMB'), and this host has no place for them: "
                    + "\(missing)."
                channel.sendLoadFailure(
                    Failure(
                        .loadError,
                        message: "\(text) They take a private root and Landlock; 'faas doctor' says what is there."))
                _exit(0)
            }
            runtime.startWorker(isolation: function.isolation)
            if function.isolation == .invocation { MemoryRewind.makeRoom() }
            let room = function.isolation == .invocation ? runtime.roomBytes : 0
            try sandbox.beforeLoading(memoryBytes: Int(min(function.memoryBytes, 1 << 50)) + room)
            let state = runtime.pristineState(function.isolation, channel: channel, sandbox: sandbox)
            do {
                try state.prepare(function)
            } catch {
                channel.sendLoadFailure(error)
                _exit(0)
            }
            channel.send(.ready)
            while try state.serveNext() {
                if let reason = state.restore() { _exit(reason.rawValue) }
                channel.send(.ready)
            }
            _exit(0)
        } catch {
            // The bytes do not follow the protocol, so they do not come from the host.
            _exit(1)
        }
    }

    private static func receiveFunction(_ channel: WorkerChannel) throws -> LoadMessage? {
        var function: LoadMessage?
        _ = try channel.receive { kind, payload in
            guard kind == Frame.FromHost.load.rawValue else { throw ProtocolError.invalidValue(field: "frame kind") }
            function = try LoadMessage(payload)
        }
        if let function { channel.limitLog(toBytes: Int(clamping: function.logBytes)) }
        return function
    }
}
