import CJavaScriptCore
import Glibc
import Sandbox
import SystemCalls
import WorkerProtocol
import WorkerRuntime

/// JavaScript functions on JavaScriptCore.
///
/// The virtual machine starts in the zygote, without threads; workers inherit it, with a context that waits for its
/// function. What the machine has seeded itself with is then the same in all of them: the harness has random numbers of
/// its own. Where state is kept, the machine has threads, which a fork does not copy, and each worker starts its own.
final class JavaScriptRuntime: LanguageRuntime {
    /// Where callbacks from the engine find their worker. One thread, one worker for each process: nothing races.
    nonisolated(unsafe) private static var current: JavaScriptRuntime?

    /// The virtual machine.
    private var group: JSContextGroupRef?
    private var context: FunctionContext?
    /// Made in the zygote, for a function's first call.
    private var spareContext: FunctionContext?
    /// When the first context was made.
    private var memoryAtStart: Int?
    private var function: LoadMessage?
    private var channel: WorkerChannel?
    /// Lazy, because the engine's first string starts its allocator, and with it a thread.
    private lazy var sources = SourceTexts()
    private var rejections: RejectionListener?

    func startEngine(keepsState: Bool) -> String {
        if !keepsState, beSingleThreaded() {
            // It says that memory for its objects is not set apart, which is what it was told.
            Descriptors.silencingErrors { _ = startedGroup() }
            makeSpareContext()
        }
        return "JavaScriptCore \(jsc_get_major_version()).\(jsc_get_minor_version()).\(jsc_get_micro_version())"
    }

    /// What these invocations compile stays in the virtual machine's cache, for the context that is kept.
    func rehearsal(channel: WorkerChannel, sandbox: WorkerSandbox) -> (state: any PristineState, invocations: Int) {
        (FreshContext(runtime: self, channel: channel), 3)
    }

    var forksToRehearse: Bool { false }

    var sandboxPolicy: SandboxPolicy {
        SandboxPolicy(
            // Time zones, as the C library and ICU have them.
            readablePaths: ["/usr/share/zoneinfo", "/usr/share/zoneinfo-icu", "/etc/localtime", "/etc/timezone"],
            // The engine looks at its own stack and memory. JavaScript has no way to open a file.
            readsItsOwnProcess: true, reservesMemory: true, systemCalls: .javaScript)
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

    /// The virtual machine maps all memory for code and starts its threads now, if it has any.
    func startWorker(isolation: LoadMessage.Isolation) {
        _ = startedGroup()
    }

    /// Neither a snapshot nor a fork has other threads. The engine reads these once, when the virtual machine is made.
    /// - Returns: false if there is no way to be so. Then there are neither snapshots nor a machine to inherit.
    private func beSingleThreaded() -> Bool {
        for (name, value) in [
            ("JSC_useConcurrentJIT", "0"), ("JSC_useConcurrentGC", "0"), ("JSC_numberOfGCMarkers", "1"),
            // Reserves 5 GB of addresses instead of 72, which a snapshot has to look through.
            ("GIGACAGE_ENABLED", "0"),
            // What an invocation compiles is forgotten with it, and without a thread of its own the compiler makes the
            // handler wait. So optimising waits longer (1,000 is usual), for code that runs long, but not much longer:
            // a loop whose optimised code has given up is optimised again after hundreds of times as many rounds.
            // docs/performance.md, "Where the time goes".
            ("JSC_thresholdForOptimizeAfterWarmUp", "5000"),
            // The second optimising compiler takes longer, and pays for itself within a second, not within 20 ms
            // (60,000 is usual).
            ("JSC_thresholdForFTLOptimizeAfterWarmUp", "10000000"),
            // Bytes of garbage before it is collected, where 1 MiB is usual: most invocations end before that.
            ("JSC_smallHeapSize", "16777216"),
            // Otherwise it lets eight times as much garbage pile up when it has collected a moment ago: a function's
            // whole memory.
            ("JSC_maxEdenSizeForRateLimitingMultiplier", "1"),
        ] { setenv(name, value, 1) }
        // The allocator's housekeeping thread.
        guard let disableScavenger = allocatorFunction("fastDisableScavenger") else { return false }
        disableScavenger()
        return true
    }

    /// Functions of the engine's allocator are C++ (`WTF::fastDisableScavenger()`), and no header declares them.
    private func allocatorFunction(_ name: String) -> (@convention(c) () -> Void)? {
        dlsym(nil, "_ZN3WTF\(name.utf8.count)\(name)Ev").map { unsafeBitCast($0, to: (@convention(c) () -> Void).self) }
    }

    /// Pages of the zygote's are copied when they are first written to: now, as far as every first call writes to them.
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

    /// JavaScript has no way to change anything of the process but its memory.
    func restoreProcessState() -> Bool { true }

    func load(_ function: LoadMessage, channel: WorkerChannel) throws(Failure) {
        Self.current = self
        self.function = function
        self.channel = channel
        let context = spareContext ?? makeContext()
        spareContext = nil
        collectIfLarge(context)
        // Known already while it loads: the source may reject promises.
        self.context = context
        try context.load(function)
    }

    /// Lets go of what the contexts before this one have left, and gives its memory back to the system: the allocator
    /// has no thread that would, the engine refuses memory at the process's limit without collecting first, and a
    /// snapshot would hold it all. Where it is little it stays: an invocation takes fresh memory
    /// faster than what has been collected.
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
        guard let context, count == 2, let level = arguments?[0], let text = arguments?[1],
            let copy = JSValueToStringCopy(context, text, nil)
        else { return JSValueMakeUndefined(context) }
        let line = JavaScriptString(owning: copy).text
        JavaScriptRuntime.current?.channel?.sendLog(
            level: UInt8(exactly: JSValueToNumber(context, level, nil)) ?? 0, line)
        return JSValueMakeUndefined(context)
    }

    static let rejected: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
        if count == 2, let promise = arguments?[0], let reason = arguments?[1] {
            JavaScriptRuntime.current?.context?.reject(promise, reason)
        }
        return JSValueMakeUndefined(context)
    }

    /// Milliseconds of the monotonic clock, which deadlines are given in.
    static let now: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        JSValueMakeNumber(context, Double(MonotonicClock.now()) / 1e6)
    }

    /// 32 random bits from the kernel.
    static let random: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        JSValueMakeNumber(context, Double(UInt32.random(in: .min ... .max)))
    }

    /// One of the harness's other scripts, evaluated.
    static let script: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, exception in
        guard let context, count == 1, let copy = JSValueToStringCopy(context, arguments?[0], nil),
            let text = JavaScriptRuntime.current?.sources.script(JavaScriptString(owning: copy).text)
        else { return JSValueMakeUndefined(context) }
        return evaluate(text.source, named: text.url, in: context, exception: exception)
    }

    /// A host name as the web writes it; undefined if it cannot be one.
    static let domainToASCII: JSObjectCallAsFunctionCallback = { context, _, _, count, arguments, _ in
        guard let context, count == 1, let copy = JSValueToStringCopy(context, arguments?[0], nil),
            let name = DomainNames.ascii(JavaScriptString(owning: copy).text)
        else { return JSValueMakeUndefined(context) }
        return JavaScriptString(name).lend { JSValueMakeString(context, $0) }
    }

    /// What the lines of a built script were, as JSON; undefined for a script that is as its author wrote it.
    static let sourceMap: JSObjectCallAsFunctionCallback = { context, _, _, _, _, _ in
        guard let map = JavaScriptRuntime.current?.function?.sourceMap, !map.isEmpty else {
            return JSValueMakeUndefined(context)
        }
        return JavaScriptString(map).lend { JSValueMakeString(context, $0) }
    }

    /// The function around a dependency's source; undefined if there is no such dependency.
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

/// The texts that are evaluated again for each context, converted once.
final class SourceTexts {
    struct Text {
        let source: JavaScriptString
        let url: JavaScriptString

        init(source: JavaScriptString, url: JavaScriptString) {
            self.source = source
            self.url = url
        }

        /// One of ours.
        init(_ name: String, _ source: [UInt8]) {
            self.init(
                source: JavaScriptString(String(decoding: source, as: UTF8.self)), url: JavaScriptString("faas:\(name)")
            )
        }
    }

    let harness = Text("harness", PackageResources.harness_js)
    /// Those that the harness evaluates when something of theirs is first used.
    private lazy var scripts = [
        "hashes": Text("hashes", PackageResources.hashes_js), "inspect": Text("inspect", PackageResources.inspect_js),
        "url": Text("url", PackageResources.url_js), "web": Text("web", PackageResources.web_js),
    ]
    private var main: Text?
    private var dependencies: [String: Text] = [:]

    func script(_ name: String) -> Text? { scripts[name] }

    func main(_ function: LoadMessage) -> Text {
        if let main { return main }
        // A built script's places are looked up in its map; the harness knows it by this name.
        let url = function.sourceMap.isEmpty ? function.sourceName : "[built]"
        let text = Text(source: JavaScriptString(withoutHashbang(function.source)), url: JavaScriptString(url))
        main = text
        return text
    }

    /// A dependency becomes the body of a function of `exports`, `module` and `require`, on the lines it has in its
    /// file.
    func dependency(_ module: LoadMessage.Module) -> Text {
        if let known = dependencies[module.name] { return known }
        let wrapped = "(function (exports, module, require) {\(withoutHashbang(module.source))\n})"
        let text = Text(source: JavaScriptString(wrapped), url: JavaScriptString(module.name))
        dependencies[module.name] = text
        return text
    }

    /// A first line that begins with `#!` is for a shell; inside a function it would be a syntax error.
    private func withoutHashbang(_ source: String) -> String {
        source.hasPrefix("#!") ? "//" + source : source
    }
}
