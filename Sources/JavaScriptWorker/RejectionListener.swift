import CJavaScriptCore
import Glibc

/// Is told of unhandled promise rejections in all contexts of a virtual machine.
///
/// The engine never lets go of the function that listens, nor of the context which that belongs to, with all that is in
/// it. So it belongs to a context in which nothing else is.
final class RejectionListener {
    private let context: JSGlobalContextRef
    private let function: JSObjectRef

    init(group: JSContextGroupRef) {
        context = JSGlobalContextCreateInGroup(group, nil)
        function = JSObjectMakeFunctionWithCallback(context, nil, JavaScriptRuntime.rejected)
        JSValueProtect(context, function)
    }

    /// A function of JavaScriptCore's that its headers keep to themselves. Without it, an unhandled
    /// rejection goes unseen.
    func listen(to context: JSGlobalContextRef) {
        guard let symbol = dlsym(nil, "JSGlobalContextSetUnhandledRejectionCallback") else { return }
        typealias Function =
            @convention(c) (JSGlobalContextRef?, JSObjectRef?, UnsafeMutablePointer<JSValueRef?>?) -> Void
        unsafeBitCast(symbol, to: Function.self)(context, function, nil)
    }
}
