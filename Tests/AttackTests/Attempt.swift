import FunctionModel
import Testing

/// One action that a hostile function tries, and how the test detects from outside whether it succeeded.
struct Attempt: Sendable, CustomTestStringConvertible {
    /// How the test detects that the attempt succeeded.
    enum Oracle: Sendable {
        /// The function's answer contains the text of a file that it must not read.
        case secret
        /// A folder that every user may write to has changed, or a file with this name has appeared.
        case folder
        case file(String)
        /// The function reached a listener: TCP, UDP, or a local socket by path or by name.
        case listener
        /// A process that counts its signals received one, or has ended.
        case victim
        /// Another function lost its state, which it keeps as long as its worker lives.
        case neighbour
        /// There are more processes than before.
        case processes
        /// The call did not end at its deadline.
        case deadline
        /// The host has more open descriptors than before.
        case hostDescriptors
        /// Nothing outside shows it, so the test trusts the function: it answers "done" if it succeeded.
        case answer
    }

    /// The number of the attempt. Variants of one attempt share it. docs/security-results.md explains the list.
    let number: String
    let title: String
    let language: Language
    let source: String
    let oracle: Oracle
    /// Whether it succeeds without the sandbox, which shows that the oracle detects success.
    let succeedsWithoutSandbox: Bool
    /// Whether it succeeds where there are no namespaces, as documented.
    let succeedsWithoutNamespaces: Bool
    /// Whether it would harm the machine that the tests run on if the sandbox were off.
    let isTooDangerousWithoutSandbox: Bool
    /// The size of the function's folder for temporary files. Such a function does not load with an incomplete sandbox.
    var temporaryMB: Int?

    var testDescription: String { "\(number) \(title)" }

    /// - Parameter body: lines of Python that may `return` an answer; `e` is the event.
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

    /// The same for a function with a folder for temporary files.
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
