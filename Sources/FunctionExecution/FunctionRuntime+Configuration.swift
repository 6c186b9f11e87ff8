import Foundation
import FunctionModel
import SystemCalls
import Telemetry
import WorkerProtocol

extension FunctionRuntime {
    /// The limits of a runtime. Every field has a default that suits a small server, and every number a range: a runtime
    /// takes the end of the range for a number outside. docs/embedding.md lists the ranges.
    public struct Configuration: Sendable {
        /// The directory with the worker executables. nil, the default: `FAAS_WORKER_DIR` if set, else beside the
        /// running executable, in `../libexec/polyglotfaas` and in `../libexec` from there.
        public var workerDirectory: String?

        /// The languages whose ids requests may name. Default: those of this build.
        package var languages = Language.all

        /// How many workers one function may have, which is how many of its invocations run at once. It has as many
        /// only if they help: one for each processor core, and more while its invocations wait. nil, the default: it
        /// leaves half of ``maximumWorkers`` to others, and half of the memory.
        public var maximumWorkersPerFunction: Int?

        /// How many workers there may be altogether. The idle one that was used longest ago makes room. Default: what
        /// half of the machine's memory holds at 8 MiB each, and a quarter of the descriptors that this process may
        /// open; from 64 to 1,000.
        public var maximumWorkers = Self.workersThatFit

        /// How many invocations of one function may wait for a worker; one more fails with ``TooManyRequests``.
        /// Default: 256.
        public var maximumWaitingPerFunction = 256

        /// How many invocations may wait altogether; one more fails with ``Overloaded``. Default: 4096.
        public var maximumWaiting = 4096

        /// How many workers of each language are kept ready for a function that has none yet, beside those that have
        /// one. They save most of the time of a first invocation, and take 3 to 5 MB each. Default: 2; none until the
        /// language is used.
        public var spareWorkersPerLanguage = 2

        /// How long a zygote forks workers before another takes its place, in seconds. All workers of one zygote have
        /// the same address layout and hash seeds. 0: for ever. Default: 3600.
        public var zygoteLifetimeSeconds = 3600

        /// How many processes a zygote forks before another takes its place. 0: any number. Default: 10,000.
        public var maximumZygoteForks = 10_000

        /// How long an unused worker stays, in milliseconds. Default: 30,000.
        public var idleTimeoutMillis = 30_000

        /// How long a function's source may take to load, in milliseconds. Default: 10,000.
        public var loadTimeoutMillis = 10_000

        /// How much one invocation may write to its log, in bytes; the rest is cut, with a notice. Default: 256 KiB.
        public var maximumLogBytes = 256 << 10

        /// The largest result of one invocation, in bytes of JSON. Default: 6 MiB.
        public var maximumResultBytes = 6 << 20

        /// Memory that one worker may use beyond what its engine needs, in MB. Default: 128.
        public var memoryMB = 128

        /// Processor time of one invocation, in milliseconds, unless its function says otherwise. nil, the default: no
        /// limit but the deadline.
        public var cpuMillis: Int?

        /// The share of this machine's memory that may be promised to workers, from 0 to 1. What counts is what is
        /// available when the runtime is made, or the control group's limit if that is less. A worker has what it uses
        /// promised, and what its function's calls usually take beyond that; the first one of a function its whole
        /// ``memoryMB`` until it has loaded. One more fails with ``Overloaded``. Default: 0.8.
        public var memoryShare = 0.8

        /// The share of this machine's memory that the host itself may use for bodies, queued events, frames, log lines
        /// and caches, from 0 to 1. What does not fit is refused with ``Overloaded``. Default: 0.1, and at least 64
        /// MiB.
        public var hostMemoryShare = 0.1

        /// The longest time that a function may ask for, in milliseconds, and the default of functions that ask for
        /// none when a caller sets none. nil, the default: no ceiling.
        public var maximumTimeoutMillis: Int?

        /// The most that a function may ask for of each limit; a function that asks for more gets this. A limit that is
        /// nil has no ceiling. Default: none has.
        public var ceilings = FunctionLimits()

        /// Whether each worker gets a control group of its own, where one is left to this process. It moves this
        /// process into a child of its control group, so a program that embeds the library has to ask for it. Default:
        /// false.
        public var usesControlGroups = false

        /// How many workers may start at a time, half of them for one function; others wait for their turn. Default:
        /// four for each processor core, at least 8.
        public var maximumStartingWorkers = max(8, 4 * ProcessInfo.processInfo.activeProcessorCount)

        /// The longest time that a function whose workers fail again and again waits for the next one, in milliseconds;
        /// its invocations fail with ``BackedOff`` meanwhile. 0: none. Default: 30,000.
        public var maximumBackoffMillis = 30_000

        /// The program that builds JavaScript modules and TypeScript. nil, the default: `FAAS_ESBUILD` if set, else
        /// `esbuild` on the `PATH`.
        public var esbuild: String?

        /// The folder of Debian's packages that stand for modules of Node's. Default: `/usr/share/nodejs`.
        public var nodeModulesDirectory = "/usr/share/nodejs"

        /// A folder that keeps what has been built, under the hash of what it was built from. nil, the default: only in
        /// memory.
        public var buildDirectory: String?

        /// Told what every invocation did, after its outcome. Default: none.
        public var observers: [any InvocationObserver] = []

        /// How many zygotes there may be: one for each language in use, and one for each set of folders that functions
        /// in use read. The one that was used longest ago and has no worker makes room; a function that finds none
        /// fails with ``Overloaded``. Default: 32.
        public var maximumZygotes = 32

        /// How much of the sandbox must be there. Default: all that this machine offers. The safe choice: `.required`.
        public var sandbox = SandboxMode.bestEffort

        /// Takes every line that a function writes, as it comes, on any thread. Outcomes and observers get no lines
        /// then.
        package var onLogLine: (@Sendable (LogLine) -> Void)?

        /// The path of an artifact that ``FunctionDefinition/folders`` names; nil if it is not on this host. Default:
        /// there are none.
        package var artifactPath: @Sendable (String) -> String? = { _ in nil }

        /// Told which modules workers of a revision have learned, to store them. Default: nothing is stored.
        package var keepImports: (@Sendable (_ revision: String, _ names: [String]?) -> Void)?

        /// Layers of the sandbox that are left out, by name. For tests only.
        package var sandboxWithout: [String] = []

        /// Whether long work can be put back where it was before others. Default: what this process may do. Tests set
        /// it.
        var postponement = Postponement.ofThisProcess

        /// How long a cancelled invocation may run before its worker is killed, in milliseconds. Tests set it.
        var graceMillis = 20

        public init() {}

        package var sandboxRequest: SandboxRequest {
            SandboxRequest(mode: sandbox, without: Set(sandboxWithout.compactMap { SandboxLayer.Name(text: $0) }))
        }

        var zygoteAgeLimits: ZygoteAge.Limits {
            .init(lifetime: Nanoseconds.seconds(max(0, zygoteLifetimeSeconds)), forks: max(0, maximumZygoteForks))
        }

        private static var workersThatFit: Int {
            let memory = ProcessInfo.processInfo.physicalMemory / 2 / (8 << 20)
            return max(64, min(1000, Int(clamping: memory), Descriptors.limit / 4))
        }

        var poolLimits: PoolState<Function>.Limits {
            let processors = max(1, ProcessInfo.processInfo.activeProcessorCount)
            return .init(
                processors: processors,
                workersPerFunction: max(1, maximumWorkersPerFunction ?? maximumWorkers),
                share: max(processors, maximumWorkersPerFunction ?? 0), workers: max(1, maximumWorkers),
                waitingPerFunction: max(1, maximumWaitingPerFunction), waiting: max(1, maximumWaiting),
                idleTimeout: Nanoseconds.milliseconds(idleTimeoutMillis), endingAllowance: max(1, maximumWorkers / 8),
                starting: max(1, maximumStartingWorkers),
                memory: MachineMemory.available(share: memoryShare),
                // About the time that a worker takes to start on a busy machine.
                patience: 100_000_000,
                maximumPause: Nanoseconds.milliseconds(max(0, maximumBackoffMillis)))
        }
    }
}
