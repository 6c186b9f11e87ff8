import CJavaScriptCore
import Glibc

/// Receives unhandled promise rejections of all contexts of a virtual machine.
///
/// The engine never releases the listener function, nor the context that it belongs to with all its content. So the
/// function belongs to a context that contains nothing else.
final class RejectionListener {
    private let context: JSGlobalContextRef
    private let function: JSObjectRef

    init(group: JSContextGroupRef) {
        context = JSGlobalContextCreateInGroup(group, nil)
        function = JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.rejected)
        JSValueProtect(context, function)
    }

    /// Uses a function that JavaScriptCore exports but does not declare. Without it, unhandled rejections are not
    /// noticed.
    func listen(to context: JSGlobalContextRef) {
        guard let symbol = dlsym(nil, "JSGlobalContextSetUnhandledRejectionCallback") else { return }
        typealias Function =
            @convention(c) (JSGlobalContextRef?, JSObjectRef?, UnsafeMutablePointer<JSValueRef?>?) -> Void
        unsafeBitCast(symbol, to: Function.self)(context, function, nil)
    }
}
