import CJavaScriptCore
import CMemoryRefusal
import Glibc
import WorkerProtocol
import WorkerRuntime

/// One JavaScript global context that contains the harness and the function. Released with its last reference.
final class FunctionContext {
    private let context: JSGlobalContextRef
    private let sources: SourceTexts
    private var harness: JSObjectRef?
    private var invokeFunction: JSObjectRef?
    private var pollFunction: JSObjectRef?

    init(group: JSContextGroupRef, sources: SourceTexts, rejections: RejectionListener) {
        context = JSGlobalContextCreateInGroup(group, nil)
        self.sources = sources
        rejections.listen(to: context)
    }

    deinit {
        // A protected value would keep its whole context alive.
        if let harness { JSValueUnprotect(context, harness) }
        JSGlobalContextRelease(context)
    }

    // MARK: Loading

    func load(_ function: LoadMessage) throws(Failure) {
        if harness == nil { try startHarness() }
        try tell(function)
        let text = sources.main(function)
        var exception: JSValueRef?
        let value = evaluate(text.source, named: text.url, in: context, exception: &exception)
        if let exception { throw describe(exception, kind: .loadError) }
        if !function.sourceMap.isEmpty {
            guard let value else { throw Self.harnessFailure }
            try runModule(value, function)
        }
        try resolveHandler(function)
        for (number, event) in function.prime.enumerated() { try prime(event, number: number + 1) }
    }

    /// Modules were built into one asynchronous function. Calls it and waits for it.
    private func runModule(_ module: JSValueRef, _ function: LoadMessage) throws(Failure) {
        _ = call(get("startModule", of: harness), module, self.value(function.sourceName))
        guard let answer = settle(call(pollFunction)) else { throw Self.harnessFailure }
        switch JSValueGetType(context, answer) {
        case kJSTypeObject: throw failure(answer)
        case kJSTypeNull:
            throw Failure(.loadError, message: "A top-level await never ends: nothing is left that could end it.")
        default: break
        }
    }

    func startHarness() throws(Failure) {
        var exception: JSValueRef?
        let make = evaluate(sources.harness.source, named: sources.harness.url, in: context, exception: &exception)
        guard let make, let host = JSObjectMake(context, nil, nil) else { throw Self.harnessFailure }
        set("log", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.log))
        set("now", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.now))
        set("random", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.random))
        set("memoryUsage", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.memoryUsage))
        set("compile", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.compile))
        set("script", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.script))
        set(
            "domainToASCII", of: host,
            to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.domainToASCII))
        set("sourceMap", of: host, to: JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.sourceMap))
        guard let harness = call(make, host), JSValueIsObject(context, harness) else { throw Self.harnessFailure }
        // A value held only by Swift is invisible to the collector. These live as long as the context.
        JSValueProtect(context, harness)
        self.harness = harness
        invokeFunction = get("invoke", of: harness)
        pollFunction = get("poll", of: harness)
    }

    /// Called for a promise that was rejected without a handler.
    func reject(_ promise: JSValueRef, _ reason: JSValueRef) {
        _ = call(get("rejected", of: harness), promise, reason)
    }

    private static let harnessFailure = Failure(.workerError, message: "The JavaScript harness does not start.")

    /// Tells the harness about the function. The harness makes the objects: a later collection might find objects made
    /// here on the stack, which would keep the whole context alive.
    private func tell(_ function: LoadMessage) throws(Failure) {
        let memory = value(String(function.memoryBytes >> 20))
        guard let begin = get("begin", of: harness), let setVariable = get("setVariable", of: harness),
            call(begin, value(function.functionID), value(function.revision), memory) != nil
        else { throw Self.harnessFailure }
        for variable in function.environment { _ = call(setVariable, value(variable.name), value(variable.value)) }
    }

    private func resolveHandler(_ function: LoadMessage) throws(Failure) {
        guard let resolve = get("resolve", of: harness) else { throw Self.harnessFailure }
        let answer = call(resolve, value(function.functionName), globalBinding(function.functionName))
        guard let answer else { throw Self.harnessFailure }
        if JSValueIsObject(context, answer) { throw failure(answer) }
    }

    /// Calls the handler before the first invocation: what the call leaves behind is there for all invocations.
    private func prime(_ event: String, number: Int) throws(Failure) {
        let event = JavaScriptString(event).lend { JSValueMakeFromJSONString(context, $0) }
        guard let event, let answer = settle(call(invokeFunction, event, value("prime"), JSValueMakeNumber(context, 0)))
        else {
            throw Self.harnessFailure
        }
        let place = "(with event \(number) of 'prime')"
        switch JSValueGetType(context, answer) {
        case kJSTypeString: break
        case kJSTypeObject: throw failure(answer).whileLoading(place)
        default: throw Failure(.loadError, message: "The handler's promise never settles \(place).")
        }
    }

    /// The value of a name in a script's scope. `const` and `class` make bindings that are not properties of the global
    /// object, so only a script can read them. Only identifiers are looked up.
    private func globalBinding(_ name: String) -> JSValueRef {
        guard name.isJavaScriptIdentifier else { return JSValueMakeUndefined(context) }
        let script = JavaScriptString("typeof \(name) === 'function' ? \(name) : undefined")
        var exception: JSValueRef?
        let found = evaluate(script, named: sources.harness.url, in: context, exception: &exception)
        return found ?? JSValueMakeUndefined(context)
    }

    // MARK: Invoking

    func invoke(_ header: InvokeHeader, event: UnsafeRawBufferPointer, channel: WorkerChannel) {
        // The engine reads up to a zero byte. Valid JSON contains none.
        guard let start = event.baseAddress, memchr(start, 0, event.count) == nil,
            let eventValue = JavaScriptString(zeroTerminatedUTF8: event).lend({ JSValueMakeFromJSONString(context, $0) }
            )
        else { return channel.sendFailure(Failure(.invalidEvent, message: "The event is not JSON.")) }
        faas_refusal_begin_call()
        let answer = settle(
            call(
                invokeFunction, eventValue, value(header.requestID),
                JSValueMakeNumber(context, Double(header.deadline) / 1e6),
                header.traceparent.isEmpty ? nil : value(header.traceparent),
                header.tracestate.isEmpty ? nil : value(header.tracestate)))
        faas_refusal_end_call()
        guard let answer else {
            return channel.sendFailure(Failure(.workerError, message: "The JavaScript harness failed."))
        }
        switch JSValueGetType(context, answer) {
        case kJSTypeString:
            sendResult(answer, channel)
        case kJSTypeObject:
            channel.sendFailure(failure(answer))
        default:
            channel.sendFailure(
                Failure(
                    .handlerError, name: "Error",
                    message: "The handler's promise never settled: nothing is left that could settle it."))
        }
    }

    /// Runs timers until the harness has an outcome: text, a failure, or null if no outcome is possible any more.
    private func settle(_ first: JSValueRef?) -> JSValueRef? {
        var answer = first
        while let value = answer {
            switch JSValueGetType(context, value) {
            case kJSTypeNumber:
                let milliseconds = JSValueToNumber(context, value, nil)
                if milliseconds > 0 { usleep(useconds_t(min(milliseconds, 60_000) * 1000) + 1) }
            case kJSTypeUndefined:
                break
            default:
                return value
            }
            answer = call(pollFunction)
        }
        return nil
    }

    private func sendResult(_ json: JSValueRef, _ channel: WorkerChannel) {
        guard let copy = JSValueToStringCopy(context, json, nil) else {
            return channel.sendFailure(
                Failure(.resultNotSerializable, message: "The result is too large to be copied."))
        }
        JavaScriptString(owning: copy).withUTF8 { channel.sendResult($0) }
    }

    // MARK: Before a snapshot

    /// Runs the harness's own code a few times with a handler of its own, so that the snapshot contains it compiled.
    func rehearse() {
        guard let rehearse = get("rehearse", of: harness) else { return }
        // First what each call then runs too: a function that is first called in a call is compiled again in each.
        _ = call(rehearse)
        for isAsync in [false, true, false, true, false] {
            let event = JavaScriptString("{\"name\":\"x\",\"list\":[1,2.5,null]}").lend {
                JSValueMakeFromJSONString(context, $0)
            }
            guard let event,
                let answer = call(rehearse, event, value("rehearsal"), JSValueMakeBoolean(context, isAsync))
            else { continue }
            if JSValueIsUndefined(context, answer) { _ = call(pollFunction) }
            guard let text = JSValueToStringCopy(context, answer, nil) else { continue }
            JavaScriptString(owning: text).withUTF8 { _ in }
        }
    }

    /// Evaluates a minimal source. The context must not be used for a function afterwards.
    func evaluateAnything() {
        var exception: JSValueRef?
        _ = evaluate(
            JavaScriptString("(() => event => ({ message: `${event}` }))()"), named: sources.harness.url, in: context,
            exception: &exception)
    }

    /// Collects garbage at once, with a function that JavaScriptCore exports but does not declare. `JSGarbageCollect`
    /// only requests a collection.
    func collectGarbage() {
        guard let symbol = dlsym(nil, "JSSynchronousGarbageCollectForDebugging") else {
            return JSGarbageCollect(context)
        }
        unsafeBitCast(symbol, to: (@convention(c) (JSContextRef?) -> Void).self)(context)
    }

    // MARK: Failures

    private func describe(_ thrown: JSValueRef, kind: Failure.Kind) -> Failure {
        guard let describe = get("failure", of: harness),
            let answer = call(describe, JSValueMakeNumber(context, Double(kind.rawValue)), thrown),
            JSValueIsObject(context, answer)
        else { return Failure(kind, message: "The error cannot be described.") }
        return failure(answer)
    }

    /// Reads the harness's form of a failure: kind, name, message, stack, line, column.
    private func failure(_ list: JSValueRef) -> Failure {
        let list = list as JSObjectRef
        func element(_ index: UInt32) -> JSValueRef? { JSObjectGetPropertyAtIndex(context, list, index, nil) }
        func text(_ index: UInt32) -> String {
            guard let value = element(index), let copy = JSValueToStringCopy(context, value, nil) else { return "" }
            return JavaScriptString(owning: copy).text
        }
        func number(_ index: UInt32) -> UInt32 {
            UInt32(exactly: JSValueToNumber(context, element(index), nil)) ?? 0
        }
        let kind = Failure.Kind(rawValue: UInt8(truncatingIfNeeded: number(0))) ?? .workerError
        let stack = text(3).split(separator: "\n").map(String.init)
        return Failure(kind, name: text(1), message: text(2), stackTrace: stack, line: number(4), column: number(5))
    }

    // MARK: The engine's C API, in short

    /// Returns nil if the call threw, which the harness's functions do not.
    ///
    /// The arguments are on the stack, where the collector looks for values in use. It does not look into Swift's
    /// arrays.
    private func call(
        _ function: JSObjectRef?, _ first: JSValueRef? = nil, _ second: JSValueRef? = nil, _ third: JSValueRef? = nil,
        _ fourth: JSValueRef? = nil, _ fifth: JSValueRef? = nil
    ) -> JSValueRef? {
        guard let function else { return nil }
        return withUnsafeTemporaryAllocation(of: JSValueRef?.self, capacity: 5) { arguments in
            arguments.initializeElement(at: 0, to: first)
            arguments.initializeElement(at: 1, to: second)
            arguments.initializeElement(at: 2, to: third)
            arguments.initializeElement(at: 3, to: fourth)
            arguments.initializeElement(at: 4, to: fifth)
            let count = arguments.firstIndex { $0 == nil } ?? arguments.count
            var exception: JSValueRef?
            let result = JSObjectCallAsFunction(context, function, nil, count, arguments.baseAddress, &exception)
            return exception == nil ? result : nil
        }
    }

    private func value(_ text: String) -> JSValueRef {
        JavaScriptString(text).lend { JSValueMakeString(context, $0) }
    }

    private func get(_ name: String, of object: JSObjectRef?) -> JSObjectRef? {
        guard let object, let value = JavaScriptString(name).lend({ JSObjectGetProperty(context, object, $0, nil) })
        else { return nil }
        return JSValueIsObject(context, value) ? value : nil
    }

    private func set(_ name: String, of object: JSObjectRef, to value: JSValueRef?) {
        JavaScriptString(name).lend { JSObjectSetProperty(context, object, $0, value, 0, nil) }
    }
}

extension String {
    /// Whether the name can be inserted into a script without changing the script's meaning.
    fileprivate var isJavaScriptIdentifier: Bool {
        guard let first = unicodeScalars.first, first.properties.isXIDStart || first == "_" || first == "$" else {
            return false
        }
        return unicodeScalars.allSatisfy { $0.properties.isXIDContinue || $0 == "$" }
    }
}

extension Failure {
    /// The same failure, for a call that was a part of loading.
    fileprivate func whileLoading(_ place: String) -> Failure {
        Failure(
            .loadError, name: name, message: "\(message) \(place)", stackTrace: stackTrace, line: line, column: column)
    }
}
