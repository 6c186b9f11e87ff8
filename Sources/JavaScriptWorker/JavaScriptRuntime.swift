import CJavaScriptCore
import CMemoryRefusal
import Glibc
import Sandbox
import SystemCalls
import WorkerProtocol
import WorkerRuntime

/// Runs JavaScript functions on JavaScriptCore.
///
/// The virtual machine starts in the zygote, without threads. Workers inherit it, with a context that is ready for a
/// function. Its random seeds are then the same in all workers, so the harness has random numbers of its own. Where
/// state is kept, the virtual machine has threads, which a fork does not copy, so each worker starts its own.
final class JavaScriptRuntime: LanguageRuntime {
    /// The worker that callbacks from the engine use. Each process has one thread and one worker, so there is no race.
    nonisolated(unsafe) private static var current: JavaScriptRuntime?

    /// The virtual machine.
    private var group: JSContextGroupRef?
    private var context: FunctionContext?
    /// Made in the zygote, and used for a function's first call.
    private var spareContext: FunctionContext?
    /// Memory in use when the first context was made.
    private var memoryAtStart: Int?
    private var function: LoadMessage?
    private var channel: WorkerChannel?
    /// Lazy, because the engine's first string starts its allocator, and with it a thread.
    private lazy var sources = SourceTexts()
    private var rejections: RejectionListener?

    func startEngine(keepsState: Bool) -> String {
        // A call in tail position would replace its caller's frame: stacks would lack it, and endless recursion would
        // not end in a RangeError, as it does in Node.
        setenv("JSC_useTailCalls", "0", 1)
        if !keepsState, beSingleThreaded() {
            // The engine warns that no address space is set apart for its objects. The options ask for that, so the
            // warning is discarded.
            Descriptors.silencingErrors { _ = startedGroup() }
            makeSpareContext()
        }
        return "JavaScriptCore \(jsc_get_major_version()).\(jsc_get_minor_version()).\(jsc_get_micro_version())"
    }

    /// Code that these invocations compile stays in the virtual machine's cache, for the context that is kept.
    func rehearsal(channel: WorkerChannel, sandbox: WorkerSandbox) -> (state: any PristineState, invocations: Int) {
        (FreshContext(runtime: self, channel: channel), 3)
    }

    var forksToRehearse: Bool { false }

    var sandboxPolicy: SandboxPolicy {
        SandboxPolicy(
            // Time zones of the C library and of ICU.
            readablePaths: ["/usr/share/zoneinfo", "/usr/share/zoneinfo-icu", "/etc/localtime", "/etc/timezone"],
            // The engine reads its own stack and memory in /proc. JavaScript cannot open files.
            // The engine reads it; guests cannot open files.
            ownProcessPaths: ["/proc/self", "/dev/urandom", "/dev/null"], reservesMemory: true, systemCalls: .javaScript
        )
    }

    private func makeSpareContext() {
        spareContext = makeContext()
        try? spareContext?.startHarness()
        spareContext?.collectGarbage()
    }

    private func makeContext() -> FunctionContext {
        let group = startedGroup()
        let rejections = rejections ?? RejectionListener(group: group)
        self.rejections = rejections
        return FunctionContext(group: group, sources: sources, rejections: rejections)
    }

    private func startedGroup() -> JSContextGroupRef {
        if let group { return group }
        let made: JSContextGroupRef = JSContextGroupCreate()
        group = made
        return made
    }

    /// Makes the virtual machine map all its memory for code, and start its threads if it has any.
    func startWorker(isolation: LoadMessage.Isolation) {
        _ = startedGroup()
    }

    /// Keeps the engine from making threads: neither a snapshot nor a fork copies them. The engine reads these options
    /// once, when the virtual machine is made.
    /// - Returns: false if threads cannot be prevented. Then there are neither snapshots nor an inherited virtual
    ///   machine.
    private func beSingleThreaded() -> Bool {
        for (name, value) in [
            ("JSC_useConcurrentJIT", "0"), ("JSC_useConcurrentGC", "0"), ("JSC_numberOfGCMarkers", "1"),
            // Reserves 5 GB of addresses instead of 72 GB: a snapshot has to search all of them.
            ("GIGACAGE_ENABLED", "0"),
            // Code that an invocation compiles is lost after it, and without its own thread the compiler makes the
            // handler wait. So optimising starts later (the default is 1,000), for code that runs long. But not much
            // later: a loop whose optimised code was discarded is optimised again only after hundreds of times as many
            // rounds. docs/performance.md, "Where the time goes".
            ("JSC_thresholdForOptimizeAfterWarmUp", "5000"),
            // The second optimising compiler takes longer. It pays off within a second, but not within 20 ms (the
            // default is 60,000).
            ("JSC_thresholdForFTLOptimizeAfterWarmUp", "10000000"),
            // Bytes of garbage before a collection (the default is 1 MiB): most invocations end before they have made
            // so much.
            ("JSC_smallHeapSize", "16777216"),
            // Otherwise the engine lets eight times as much garbage accumulate soon after a collection: a function's
            // whole memory.
            ("JSC_maxEdenSizeForRateLimitingMultiplier", "1"),
        ] { setenv(name, value, 1) }
        // Disables the allocator's housekeeping thread.
        guard let disableScavenger = allocatorFunction("fastDisableScavenger") else { return false }
        disableScavenger()
        return true
    }

    /// Finds a function of the engine's allocator. They are C++ (`WTF::fastDisableScavenger()`) and declared in no
    /// public header.
    private func allocatorFunction(_ name: String) -> (@convention(c) () -> Void)? {
        dlsym(nil, "_ZN3WTF\(name.utf8.count)\(name)Ev").map { unsafeBitCast($0, to: (@convention(c) () -> Void).self) }
    }

    /// The kernel copies a page of the zygote's when a worker first writes to it. This writes to the pages that every
    /// first call writes to, before a call waits.
    func warmUp() {
        guard group != nil else { return }
        let context = makeContext()
        try? context.startHarness()
        context.evaluateAnything()
        context.rehearse()
        spareContext?.rehearse()
    }

    func prepareForSnapshot(_ function: LoadMessage, channel: WorkerChannel) throws(Failure) {
        try load(function, channel: channel)
        context?.rehearse()
    }

    var canHoldKernelObjects: Bool { false }

    /// JavaScript can change nothing of the process but its memory.
    func restoreProcessState() -> RetirementReason? { nil }

    func load(_ function: LoadMessage, channel: WorkerChannel) throws(Failure) {
        Self.current = self
        self.function = function
        self.channel = channel
        WorkerChannel.failureFrame(Failure(.handlerError, name: "RangeError", message: "Out of memory"))
            .withUnsafeBytes { faas_refusal_prepare($0.baseAddress, $0.count, WorkerChannel.descriptor) }
        let context = spareContext ?? makeContext()
        spareContext = nil
        collectIfLarge(context)
        // Set before the source is loaded: it may reject promises.
        self.context = context
        try context.load(function)
    }

    /// Frees what earlier contexts have left, and returns the memory to the system. Nothing else would: the allocator
    /// has no thread that does it, the engine fails at the process's memory limit without collecting first, and a
    /// snapshot would contain it all. A small amount stays: an invocation gets fresh memory faster than collected
    /// memory.
    private func collectIfLarge(_ context: FunctionContext) {
        let memory = Memory.writtenBytes()
        guard let memoryAtStart else {
            memoryAtStart = memory
            return
        }
        guard memory > memoryAtStart + (4 << 20) else { return }
        context.collectGarbage()
        allocatorFunction("releaseFastMallocFreeMemory")?()
    }

    func unload() {
        context = nil
    }

    func invoke(_ header: InvokeHeader, event: UnsafeRawBufferPointer, channel: WorkerChannel) {
        guard let context else { return channel.sendFailure(Failure(.workerError, message: "No function is loaded.")) }
        context.invoke(header, event: event, channel: channel)
    }

    // MARK: What the harness asks of the worker

    static let log: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
        guard let context, let channel = JavaScriptRuntime.current?.channel, channel.takesLogLines, count == 2,
            let level = arguments?[0], let text = arguments?[1], let copy = JSValueToStringCopy(context, text, nil)
        else { return JSValueMakeUndefined(context) }
        let line = JavaScriptString(owning: copy).text
        channel.sendLog(
            level: UInt8(exactly: JSValueToNumber(context, level, nil)) ?? 0, line)
        return JSValueMakeUndefined(context)
    }

    static let rejected: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
        if count == 2, let promise = arguments?[0], let reason = arguments?[1] {
            JavaScriptRuntime.current?.context?.reject(promise, reason)
        }
        return JSValueMakeUndefined(context)
    }

    /// Milliseconds of the monotonic clock. Deadlines use the same clock.
    static let now: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        JSValueMakeNumber(context, Double(MonotonicClock.now()) / 1e6)
    }

    /// What the engine says of its memory, under Node's names, in bytes.
    static let memoryUsage: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        guard let context, let usage = JSObjectMake(context, nil, nil) else { return nil }
        func set(_ name: String, _ bytes: Double) {
            JavaScriptString(name).lend {
                JSObjectSetProperty(context, usage, $0, JSValueMakeNumber(context, bytes), 0, nil)
            }
        }
        // Exported, and not declared by the headers.
        typealias Statistics = @convention(c) (JSContextRef?) -> JSObjectRef?
        let statistics = dlsym(nil, "JSGetMemoryUsageStatistics").flatMap {
            unsafeBitCast($0, to: Statistics.self)(context)
        }
        func bytes(_ name: String) -> Double {
            guard let statistics else { return 0 }
            return JavaScriptString(name).lend {
                JSValueToNumber(context, JSObjectGetProperty(context, statistics, $0, nil), nil)
            }
        }
        set("rss", Double(Memory.writtenBytes()))
        set("heapTotal", bytes("heapCapacity"))
        set("heapUsed", bytes("heapSize"))
        set("external", bytes("extraMemorySize"))
        set("arrayBuffers", 0)
        return usage
    }

    /// 32 random bits from the kernel.
    static let random: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        JSValueMakeNumber(context, Double(UInt32.random(in: .min ... .max)))
    }

    /// Evaluates one of the harness's other scripts.
    static let script: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, exception in
        guard let context, count == 1, let copy = JSValueToStringCopy(context, arguments?[0], nil),
            let text = JavaScriptRuntime.current?.sources.script(JavaScriptString(owning: copy).text)
        else { return JSValueMakeUndefined(context) }
        return evaluate(text.source, named: text.url, in: context, exception: exception)
    }

    /// A host name in its ASCII form; undefined if it is not valid.
    static let domainToASCII: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
        guard let context, count == 1, let copy = JSValueToStringCopy(context, arguments?[0], nil),
            let name = DomainNames.ascii(JavaScriptString(owning: copy).text)
        else { return JSValueMakeUndefined(context) }
        return JavaScriptString(name).lend { JSValueMakeString(context, $0) }
    }

    /// The source map of a built script, as JSON; undefined for a script that was not built.
    static let sourceMap: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        guard let map = JavaScriptRuntime.current?.function?.sourceMap, !map.isEmpty else {
            return JSValueMakeUndefined(context)
        }
        return JavaScriptString(map).lend { JSValueMakeString(context, $0) }
    }

    /// Wraps a dependency's source in a function; undefined if there is no such dependency.
    static let compile: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, exception in
        guard let context, count == 1, let copy = JSValueToStringCopy(context, arguments?[0], nil),
            let runtime = JavaScriptRuntime.current
        else { return JSValueMakeUndefined(context) }
        let name = JavaScriptString(owning: copy).text
        guard let module = runtime.function?.dependencies.first(where: { $0.name == name }) else {
            return JSValueMakeUndefined(context)
        }
        let texts = runtime.sources.dependency(module)
        return evaluate(texts.source, named: texts.url, in: context, exception: exception)
    }
}

/// The scripts that each context evaluates, converted to the engine's strings once.
final class SourceTexts {
    struct Text {
        let source: JavaScriptString
        let url: JavaScriptString

        init(source: JavaScriptString, url: JavaScriptString) {
            self.source = source
            self.url = url
        }

        /// A script of this project.
        init(_ name: String, _ source: [UInt8]) {
            self.init(
                source: JavaScriptString(String(decoding: source, as: UTF8.self)), url: JavaScriptString("faas:\(name)")
            )
        }
    }

    let harness = Text("harness", PackageResources.harness_js)
    /// Scripts that the harness evaluates when a function first uses something of theirs.
    private lazy var scripts = [
        "hashes": Text("hashes", PackageResources.hashes_js), "inspect": Text("inspect", PackageResources.inspect_js),
        "node": Text("node", PackageResources.node_js), "url": Text("url", PackageResources.url_js),
        "web": Text("web", PackageResources.web_js),
    ]
    private var main: Text?
    private var dependencies: [String: Text] = [:]

    func script(_ name: String) -> Text? { scripts[name] }

    func main(_ function: LoadMessage) -> Text {
        if let main { return main }
        // The harness recognises a built script by this name, and looks its positions up in its source map.
        let url = function.sourceMap.isEmpty ? function.sourceName : "[built]"
        let text = Text(source: JavaScriptString(withoutHashbang(function.source)), url: JavaScriptString(url))
        main = text
        return text
    }

    /// A dependency becomes the body of a function with the parameters that Node gives it. Its lines keep their
    /// numbers.
    func dependency(_ module: LoadMessage.Module) -> Text {
        if let known = dependencies[module.name] { return known }
        let wrapped =
            "(function (exports, module, require, __filename, __dirname) {\(withoutHashbang(module.source))\n})"
        let text = Text(source: JavaScriptString(wrapped), url: JavaScriptString(module.name))
        dependencies[module.name] = text
        return text
    }

    /// Turns a first line that begins with `#!` into a comment: inside a function it would be a syntax error.
    private func withoutHashbang(_ source: String) -> String {
        source.hasPrefix("#!") ? "//" + source : source
    }
}
