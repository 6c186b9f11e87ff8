import FunctionModel
import Testing

/// One thing that a hostile function tries, and how it is seen from outside whether that worked.
struct Attempt: Sendable, CustomTestStringConvertible {
    /// What tells, outside the function, that the attempt succeeded.
    enum Oracle: Sendable {
        /// The text of a file that was not meant for the function is in its answer.
        case secret
        /// A folder that everybody may write to has changed, or a file of this name has appeared.
        case folder
        case file(String)
        /// Somebody listens, and was reached: TCP, UDP, or a local socket by path or by name.
        case listener
        /// A process that counts the signals it gets has got one, or has ended.
        case victim
        /// Another function has lost its state, which it keeps as long as its worker lives.
        case neighbour
        /// There are more processes afterwards than before.
        case processes
        /// The call did not end at its deadline.
        case deadline
        /// The host has more descriptors open afterwards than before.
        case hostDescriptors
        /// Nothing outside shows it, so the function is believed: it answers "done" if it could.
        case answer
    }

    /// The number of the attempt. Variants of one attempt share it. docs/security-results.md explains the list.
    let number: String
    let title: String
    let language: Language
    let source: String
    let oracle: Oracle
    /// Without the sandbox it does succeed, which shows that the oracle sees it.
    let succeedsWithoutSandbox: Bool
    /// Documented to succeed where there are no namespaces.
    let succeedsWithoutNamespaces: Bool
    /// With the sandbox off it would harm the machine that the tests run on.
    let isTooDangerousWithoutSandbox: Bool
    /// The function has a folder for temporary files. Without the whole sandbox it does not load.
    var temporaryMB: Int?

    var testDescription: String { "\(number) \(title)" }

    /// - Parameter body: lines of Python that may answer with `return`; `e` is the event.
    static func python(
        _ number: String, _ title: String, _ oracle: Oracle, _ body: String, control: Bool = true,
        leaksWithoutNamespaces: Bool = false,
        dangerous: Bool = false, top: String = ""
    ) -> Attempt {
        let lines = body.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        return Attempt(
            number: number, title: title, language: .python, source: "\(prelude)\n\(top)\ndef handler(e):\n\(lines)\n",
            oracle: oracle,
            succeedsWithoutSandbox: control, succeedsWithoutNamespaces: leaksWithoutNamespaces,
            isTooDangerousWithoutSandbox: dangerous)
    }

    /// The same, by a function with a folder for temporary files.
    static func temporary(_ number: String, _ title: String, _ oracle: Oracle, _ body: String, top: String = "")
        -> Attempt
    {
        var attempt = python(number, title, oracle, body, control: false, top: top)
        attempt.temporaryMB = 4
        return attempt
    }

    /// - Parameter body: the body of a JavaScript function of `e`.
    static func js(_ number: String, _ title: String, _ oracle: Oracle, _ body: String, control: Bool = false)
        -> Attempt
    {
        Attempt(
            number: number, title: title, language: .javaScript, source: "function handler(e) {\n\(body)\n}",
            oracle: oracle,
            succeedsWithoutSandbox: control, succeedsWithoutNamespaces: false, isTooDangerousWithoutSandbox: false)
    }

    private static let prelude = """
        import os, sys
        # With the filter only, no file can be opened: what can be tried without these modules is tried all the same.
        for name in ['ctypes', 'time', 'socket', 'signal']:
            try: globals()[name] = __import__(name)
            except OSError: pass
        if 'ctypes' in globals():
            libc = ctypes.CDLL(None, use_errno=True)
            libc.syscall.restype = ctypes.c_long
        def call(number, *arguments):
            result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
            if result == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return result
        def text(value): return ctypes.c_char_p(value.encode())
        """
}
