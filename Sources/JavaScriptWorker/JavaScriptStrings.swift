import CJavaScriptCore
import Glibc

/// A JavaScriptCore string: retained, and released with the last reference to this object.
final class JavaScriptString {
    private let reference: JSStringRef

    init(owning reference: JSStringRef) { self.reference = reference }

    /// - Precondition: `text` is followed by a zero byte and has none inside.
    init(zeroTerminatedUTF8 text: UnsafeRawBufferPointer) {
        reference = JSStringCreateWithUTF8CString(text.baseAddress?.assumingMemoryBound(to: CChar.self))
    }

    init(_ text: String) {
        // JavaScriptCore's UTF-8 function stops at a zero character, which a source may contain. Iterating over the
        // UTF-16 view would convert byte by byte.
        var text = text
        let hasZero = text.withUTF8 { bytes in bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false }
        if hasZero {
            let units = Array(text.utf16)
            reference = JSStringCreateWithCharacters(units, units.count)
        } else {
            reference = JSStringCreateWithUTF8CString(text)
        }
    }

    deinit { JSStringRelease(reference) }

    /// Lends the string to `body`. Not a property, because Swift may release this object right after its last use.
    func lend<Result>(_ body: (JSStringRef) -> Result) -> Result {
        withExtendedLifetime(self) { body(reference) }
    }

    /// Lends the string as UTF-8. The harness never produces lone surrogates.
    func withUTF8<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let capacity = lend(JSStringGetMaximumUTF8CStringSize)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            let written = lend { JSStringGetUTF8CString($0, buffer.baseAddress, capacity) }
            return body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: max(written, 1) - 1))
        }
    }

    var text: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }
}

/// Evaluates a script in the context's global scope. Stores an exception in `exception`.
func evaluate(
    _ script: JavaScriptString, named url: JavaScriptString, in context: JSContextRef,
    exception: UnsafeMutablePointer<JSValueRef?>?
) -> JSValueRef? {
    script.lend { script in url.lend { url in JSEvaluateScript(context, script, nil, url, 1, exception) } }
}
