import CPython

typealias PythonObject = UnsafeMutablePointer<PyObject>

/// A counted reference to a Python object: dropped with the last reference to this Swift object.
final class PythonReference {
    private let object: PythonObject

    /// Takes over a new reference. Returns nil for null: the call that should have made the object failed.
    init?(owning object: PythonObject?) {
        guard let object else { return nil }
        self.object = object
    }

    deinit { Py_DecRef(object) }

    /// Lends the object to `body`. Not a property, because Swift may release this object right after its last use.
    func lend<Result>(_ body: (PythonObject) -> Result) -> Result {
        withExtendedLifetime(self) { body(object) }
    }

    // MARK: To Python

    convenience init?(_ text: String) {
        var text = text
        self.init(owning: text.withUTF8 { Self.decode(UnsafeRawBufferPointer($0)) })
    }

    /// Returns nil if the bytes are not UTF-8. Clears the Python error.
    convenience init?(utf8 bytes: UnsafeRawBufferPointer) {
        self.init(owning: Self.decode(bytes))
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) -> PythonObject? {
        let object = PyUnicode_DecodeUTF8(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, "strict")
        if object == nil { PyErr_Clear() }
        return object
    }

    convenience init?(_ number: Int64) {
        self.init(owning: PyLong_FromLongLong(number))
    }

    /// A `dict` of texts.
    convenience init?(_ members: [(name: String, text: String)]) {
        self.init(owning: PyDict_New())
        for member in members {
            guard let name = PythonReference(member.name), let text = PythonReference(member.text),
                name.lend({ name in text.lend { PyDict_SetItem(object, name, $0) } }) == 0
            else { return nil }
        }
    }

    /// A `list` of texts.
    convenience init?(_ texts: [String]) {
        self.init(owning: PyList_New(0))
        for text in texts {
            guard let text = PythonReference(text), text.lend({ PyList_Append(object, $0) }) == 0 else { return nil }
        }
    }

    /// - Returns: the result of the call; nil if it raised an exception.
    func call(_ arguments: [PythonReference]) -> PythonReference? {
        let borrowed: [PythonObject?] = arguments.map { $0.object }
        return withExtendedLifetime(arguments) {
            PythonReference(owning: PyObject_Vectorcall(object, borrowed, borrowed.count, nil))
        }
    }

    // MARK: From Python

    /// Lends a `str` or `bytes` object as UTF-8. Returns nil for other objects, and for text that UTF-8 cannot
    /// represent.
    func withUTF8<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        var length = 0
        if let text = PyUnicode_AsUTF8AndSize(object, &length) {
            return withExtendedLifetime(self) { body(UnsafeRawBufferPointer(start: text, count: length)) }
        }
        PyErr_Clear()
        var bytes: UnsafeMutablePointer<CChar>?
        guard PyBytes_AsStringAndSize(object, &bytes, &length) == 0 else {
            PyErr_Clear()
            return nil
        }
        return withExtendedLifetime(self) { body(UnsafeRawBufferPointer(start: bytes, count: length)) }
    }

    var text: String { withUTF8 { String(decoding: $0, as: UTF8.self) } ?? "" }

    var isNone: Bool { lend { $0 == Py_GetNone() } }

    var isTrue: Bool { lend { PyObject_IsTrue($0) == 1 } }

    var integer: Int {
        let number = PyLong_AsLong(object)
        if number == -1 { PyErr_Clear() }
        return number
    }

    /// The items of a tuple or list; nil for anything else.
    var items: [PythonReference]? {
        guard let sequence = PythonReference(owning: PySequence_Fast(object, "")), !isText else {
            PyErr_Clear()
            return nil
        }
        return sequence.lend { sequence in
            (0..<max(PySequence_Size(sequence), 0)).compactMap {
                PythonReference(owning: PySequence_GetItem(sequence, $0))
            }
        }
    }

    private var isText: Bool { withUTF8 { _ in true } ?? false }
}
