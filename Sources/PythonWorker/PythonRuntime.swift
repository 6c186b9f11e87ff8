import CMemoryRewind
import CPython
import Glibc
import Sandbox
import SystemCalls
import WorkerProtocol
import WorkerRuntime

/// Runs Python functions on CPython. The interpreter starts in the zygote, and workers inherit it.
final class PythonRuntime: LanguageRuntime {
    /// The channel that the harness's `log` writes to. Each process has one thread and one worker, so there is no race.
    nonisolated(unsafe) private static var channel: WorkerChannel?
    /// Whether what Python prints is dropped. Set and read with the interpreter's lock.
    nonisolated(unsafe) private static var isQuiet = false

    private var loadFunction: PythonReference?
    private var invokeFunction: PythonReference?
    private var rehearseFunction: PythonReference?
    private var warmUpFunction: PythonReference?
    private var startThreadsFunction: PythonReference?
    private var findGenerators: PythonReference?
    private var noteImportsFunction: PythonReference?
    private var importsFunction: PythonReference?
    private var learnFunction: PythonReference?
    /// Whether the call's imports are sent before its outcome.
    private var notesImports = false
    /// Renews the random generators of the loaded function's modules; nil if they have none.
    private var renewFunction: PythonReference?
    private var processState: ProcessState?
    private var sandbox: WorkerSandbox?

    func startEngine(keepsState: Bool) -> String {
        // As in `python3`, where writing to a closed pipe is a BrokenPipeError.
        signal(SIGPIPE, SIG_IGN)
        var preconfiguration = PyPreConfig()
        PyPreConfig_InitIsolatedConfig(&preconfiguration)
        // There is no locale, so names, variables and files are UTF-8.
        preconfiguration.utf8_mode = 1
        let preStatus = Py_PreInitialize(&preconfiguration)
        guard PyStatus_Exception(preStatus) == 0 else { fail("The interpreter does not start.") }
        var configuration = PyConfig()
        // Isolated: ignores the environment and the user's site-packages, and the working directory is not on the path.
        PyConfig_InitIsolatedConfig(&configuration)
        configuration.site_import = 0
        // Pages of the zygote are shared by all workers for as long as they are not written to.
        configuration.write_bytecode = 0
        PythonArenas.install()
        let status = Py_InitializeFromConfig(&configuration)
        PyConfig_Clear(&configuration)
        // If this fails, threads only take more of a function's memory.
        try? Processes.setThreadStacks(bytes: Self.threadStackBytes)
        guard PyStatus_Exception(status) == 0 else {
            fail("The interpreter does not start: \(status.err_msg.map { String(cString: $0) } ?? "")")
        }
        startHarness()
        return Self.version
    }

    /// A limit on memory counts the whole stack of a thread, which hardly any thread uses. With the usual 8 MiB, 15
    /// threads would be all that a function may have. A thousand calls, Python's limit of recursion, take 2.5 MiB where
    /// each sorts (`sorted(…, key=…)`), and less elsewhere. `threading.stack_size()` sets another size.
    private static let threadStackBytes = 4 << 20

    /// The engine's name and version. Works before the interpreter has started.
    static var version: String { "CPython \(String(cString: Py_GetVersion()).prefix { $0 != " " })" }

    private func startHarness() {
        // The method table's entry must live as long as the process.
        let method = UnsafeMutablePointer<PyMethodDef>.allocate(capacity: 1)
        method.initialize(
            to: PyMethodDef(ml_name: strdup("log"), ml_meth: Self.log, ml_flags: METH_VARARGS, ml_doc: nil))
        let source = String(decoding: PackageResources.harness_py, as: UTF8.self)
        guard let namespace = PyDict_New(),
            let log = PyCMethod_New(method, nil, nil, nil),
            PyDict_SetItemString(namespace, "log", log) == 0,
            let name = PythonReference("_faas"),
            name.lend({ PyDict_SetItemString(namespace, "__name__", $0) }) == 0,
            PyDict_SetItemString(namespace, "__builtins__", PyEval_GetBuiltins()) == 0,
            let code = Py_CompileString(source, "<faas>", Py_file_input),
            PyEval_EvalCode(code, namespace, namespace) != nil
        else {
            PyErr_Print()
            fail("The Python harness does not start.")
        }
        func function(_ name: String) -> PythonReference? {
            guard let found = PyDict_GetItemString(namespace, name) else { return nil }
            Py_IncRef(found)
            return PythonReference(owning: found)
        }
        loadFunction = function("load")
        invokeFunction = function("invoke")
        rehearseFunction = function("rehearse")
        warmUpFunction = function("warm_up")
        startThreadsFunction = function("start_threads")
        findGenerators = function("find_generators")
        noteImportsFunction = function("note_imports")
        importsFunction = function("imports")
        learnFunction = function("learn")
        guard SharedRandomGenerator.install() else {
            fail("The generator of Python's module 'random' is not as it is known to be.")
        }
    }

    private func fail(_ message: String) -> Never {
        try? Array("\(message)\n".utf8).withUnsafeBytes { try Descriptors.writeAll($0, to: 2) }
        exit(1)
    }

    var canHoldKernelObjects: Bool { true }

    /// One invocation comes before the snapshot, so a function that is called once never pays for one.
    func rehearsal(channel: WorkerChannel, sandbox: WorkerSandbox) -> (state: any PristineState, invocations: Int) {
        self.sandbox = sandbox
        return (ForkPerInvocation(runtime: self, channel: channel, sandbox: sandbox), 1)
    }

    var forksToRehearse: Bool { true }

    var sandboxPolicy: SandboxPolicy {
        SandboxPolicy(
            // The standard library; shared libraries that its modules are linked with, and the dynamic linker's list of
            // them; time zones.
            readablePaths: Self.modulePaths() + Self.libraryPaths + ["/etc/ld.so.cache", "/usr/share/zoneinfo"],
            // What the worker's own descriptors are.
            ownProcessPaths: ["/proc/self/fdinfo"], reservesMemory: false, systemCalls: .python)
    }

    private static let libraryPaths = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
        "/usr/lib64",
    ]

    /// `sys.path`.
    private static func modulePaths() -> [String] {
        guard let path = PySys_GetObject("path") else { return [] }
        return (0..<max(0, PyList_Size(path))).compactMap { index in
            guard let text = PyList_GetItem(path, index).flatMap({ PyUnicode_AsUTF8($0) }) else { return nil }
            let folder = String(cString: text)
            return folder.hasPrefix("/") ? folder : nil
        }
    }

    func willFork() { PyOS_BeforeFork() }

    func didFork(inChild: Bool) {
        if inChild { PyOS_AfterFork_Child() } else { PyOS_AfterFork_Parent() }
    }

    /// Writes to pages that the zygote shares with all workers. The kernel copies a page at the first write, so this
    /// happens before a call waits.
    func warmUp() {
        if warmUpFunction?.call([]) == nil { PyErr_Clear() }
    }

    func load(_ function: LoadMessage, channel: WorkerChannel) throws(Failure) {
        Self.channel = channel
        guard let dependencies = PythonReference(function.dependencies.map { ($0.name, $0.source) }),
            let environment = PythonReference(function.environment.map { ($0.name, $0.value) }),
            let memory = PythonReference(Int64(clamping: function.memoryBytes >> 20)),
            let prime = PythonReference(function.prime)
        else { throw Self.harnessFailure }
        let texts = [
            function.source, function.sourceName, function.sourceFolder, function.packageFolder, function.functionName,
        ].compactMap {
            PythonReference($0)
        }
        let names = [function.functionID, function.revision].compactMap { PythonReference($0) }
        guard let answer = loadFunction?.call(texts + [dependencies, environment] + names + [memory, prime]) else {
            PyErr_Clear()
            throw Self.harnessFailure
        }
        if !answer.isNone { throw failure(answer) }
        modulesHaveChanged()
    }

    /// Finds the random generators of the modules that are loaded now.
    private func modulesHaveChanged() {
        SharedRandomGenerator.adopt()
        renewFunction = findGenerators?.call([]).flatMap { $0.isNone ? nil : $0 }
    }

    // MARK: Learned imports

    func noteImports() { notesImports = noteImportsFunction?.call([]) != nil }

    /// The copy runs the handler, so the names may be anything: the worker checks them.
    private func sendImports(_ channel: WorkerChannel) {
        notesImports = false
        guard let names = importsFunction?.call([])?.items else { return PyErr_Clear() }
        channel.sendImports(names.map(\.text))
    }

    func importModules(_ names: [String], _ check: (_ isNew: Bool) -> Bool) -> [String] {
        Self.isQuiet = true
        defer {
            Self.isQuiet = false
            modulesHaveChanged()
        }
        var imported: [String] = []
        for name in names {
            guard let text = PythonReference(name), let answer = learnFunction?.call([text]) else {
                PyErr_Clear()
                return imported
            }
            let isNew = answer.isTrue
            if isNew { imported.append(name) }
            guard check(isNew) else { return imported }
        }
        return imported
    }

    func prepareForSnapshot(_ function: LoadMessage, channel: WorkerChannel) throws(Failure) {
        guard rehearseFunction?.call([]) != nil else {
            PyErr_Clear()
            throw Self.harnessFailure
        }
        makeRoom()
        startThreads()
        processState = ProcessState(
            kept: [Int32(FAAS_REWIND_PAGEMAP), Int32(FAAS_REWIND_STATM)],
            filesAreWritable: sandbox?.hasTemporaryFiles ?? true, sharedMemory: MemoryRewind.sharedMemory,
            changesAreDenied: sandbox?.deniesChangesOfTheProcess ?? false)
    }

    /// The function's calls may start threads.
    private func startThreads() {
        let count = Processes.threadCount()
        if startThreadsFunction?.call([]) == nil { PyErr_Clear() }
        // They have done their work, and need a moment to end, without the interpreter's lock.
        let state = PyEval_SaveThread()
        for _ in 0..<1000 where Processes.threadCount() > count { usleep(50) }
        PyEval_RestoreThread(state)
    }

    /// The last numbers: what the C library takes more than is asked for, and the stacks and heaps of two threads.
    var roomBytes: Int { PythonArenas.roomBytes + Int(FAAS_REWIND_HEAP_ROOM) + (1 << 20) + (9 << 20) }

    func makeRoom() {
        PythonArenas.makeRoom()
        faas_rewind_make_room()
    }

    func renew() {
        SharedRandomGenerator.mustRenew()
        if let renewFunction, renewFunction.call([]) == nil { PyErr_Clear() }
    }

    func restoreProcessState() -> RetirementReason? {
        guard let processState else { return .process }
        return processState.retirementAfterRestoring()
    }

    /// A Python function's top level can only be unloaded by ending the process.
    func unload() {}

    func invoke(_ header: InvokeHeader, event: UnsafeRawBufferPointer, channel: WorkerChannel) {
        Self.channel = channel
        guard let event = PythonReference(utf8: event) else {
            return channel.sendFailure(Failure(.invalidEvent, message: "The event is not UTF-8."))
        }
        guard let requestID = PythonReference(header.requestID), let deadline = PythonReference(header.deadline),
            let answer = invokeFunction?.call([event, requestID, deadline] + Self.trace(header))
        else {
            PyErr_Clear()
            return channel.sendFailure(Self.harnessFailure)
        }
        if notesImports { sendImports(channel) }
        if answer.withUTF8({ channel.sendResult($0) }) == nil { channel.sendFailure(failure(answer)) }
    }

    /// The last arguments of the harness's `invoke`, if there is a trace.
    private static func trace(_ header: InvokeHeader) -> [PythonReference] {
        guard !header.traceparent.isEmpty, let traceparent = PythonReference(header.traceparent) else { return [] }
        guard !header.tracestate.isEmpty, let tracestate = PythonReference(header.tracestate) else {
            return [traceparent]
        }
        return [traceparent, tracestate]
    }

    private static let harnessFailure = Failure(.workerError, message: "The Python harness failed.")

    /// Reads the harness's form of a failure: kind, name, message, stack, line, column.
    private func failure(_ answer: PythonReference) -> Failure {
        guard let items = answer.items, items.count == 6,
            let kind = Failure.Kind(rawValue: UInt8(truncatingIfNeeded: items[0].integer))
        else { return Self.harnessFailure }
        return Failure(
            kind, name: items[1].text, message: items[2].text, stackTrace: (items[3].items ?? []).map(\.text),
            line: UInt32(clamping: items[4].integer), column: UInt32(clamping: items[5].integer))
    }

    /// `log(level, text)`: sends one line that the function wrote.
    private static let log: PyCFunction = { _, arguments in
        guard let arguments, let level = PyTuple_GetItem(arguments, 0), let text = PyTuple_GetItem(arguments, 1) else {
            return nil
        }
        if let channel, !isQuiet, channel.takesLogLines {
            var length = 0
            guard let utf8 = PyUnicode_AsUTF8AndSize(text, &length) else { return nil }
            let line = String(decoding: UnsafeRawBufferPointer(start: utf8, count: length), as: UTF8.self)
            channel.sendLog(level: UInt8(clamping: PyLong_AsLong(level)), line)
        }
        let none = Py_GetNone()
        Py_IncRef(none)
        return none
    }
}
