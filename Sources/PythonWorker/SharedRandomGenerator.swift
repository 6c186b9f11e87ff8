import CPython
import Glibc

/// Gives each call its own state of the generator behind `random.random()`: the state is in memory, which is the same
/// for every call. The generator is seeded at its first use in a call, because most calls never use it, and seeding
/// takes as long as a short handler.
///
/// Python has no hook for that. The methods that read and write the state are in a table of the module `_random`, and
/// are replaced there.
enum SharedRandomGenerator {
    private typealias FastMethod =
        @convention(c) (PythonObject?, UnsafePointer<PythonObject?>?, Py_ssize_t) -> PythonObject?

    private struct Methods {
        var random, getrandbits, getstate, setstate: PyCFunction
        var seed: FastMethod
    }

    // Safe because all code that uses these holds the interpreter's lock: Python's methods always, and the worker's one
    // thread while it is not in a handler. So there is no race even if a handler has threads.

    /// Retained. Replaced only after a function has loaded, under the lock.
    nonisolated(unsafe) private static var generator: PythonObject?
    /// Whether the generator's state belongs to this call. A rewind makes it false, and so does ``mustRenew()`` where
    /// memory is not rewound. Read and written under the lock.
    nonisolated(unsafe) private static var isRenewed = false
    /// Set once in the zygote, which has one thread, before the methods that read it are installed.
    nonisolated(unsafe) private static var original: Methods?

    /// Replaces the methods. Called once, in the zygote.
    /// - Returns: false if this version of Python has other methods than expected.
    static func install() -> Bool {
        guard let module = PythonReference(owning: PyImport_ImportModule("_random")),
            let type = module.lend({ PythonReference(owning: PyObject_GetAttrString($0, "Random")) }),
            let random = method("random", of: type, METH_NOARGS),
            let getrandbits = method("getrandbits", of: type, METH_O),
            let getstate = method("getstate", of: type, METH_NOARGS),
            let setstate = method("setstate", of: type, METH_O),
            let seed = method("seed", of: type, METH_FASTCALL)
        else {
            PyErr_Clear()
            return false
        }
        original = Methods(
            random: random.pointee.ml_meth, getrandbits: getrandbits.pointee.ml_meth,
            getstate: getstate.pointee.ml_meth,
            setstate: setstate.pointee.ml_meth,
            // METH_FASTCALL means that the method has this type.
            seed: unsafeBitCast(seed.pointee.ml_meth, to: FastMethod.self))
        random.pointee.ml_meth = {
            SharedRandomGenerator.read($0) ? SharedRandomGenerator.original?.random($0, $1) : nil
        }
        getrandbits.pointee.ml_meth = {
            SharedRandomGenerator.read($0) ? SharedRandomGenerator.original?.getrandbits($0, $1) : nil
        }
        getstate.pointee.ml_meth = {
            SharedRandomGenerator.read($0) ? SharedRandomGenerator.original?.getstate($0, $1) : nil
        }
        setstate.pointee.ml_meth = {
            SharedRandomGenerator.write($0)
            return SharedRandomGenerator.original?.setstate($0, $1)
        }
        let seedAnew: FastMethod = {
            SharedRandomGenerator.write($0)
            return SharedRandomGenerator.original?.seed($0, $1, $2)
        }
        seed.pointee.ml_meth = unsafeBitCast(seedAnew, to: PyCFunction.self)
        adopt()
        return true
    }

    /// Uses the present generator of the module `random` from here on, with a state that belongs to no call yet. Called
    /// after a function has loaded, which may have loaded the module again.
    static func adopt() {
        isRenewed = false
        guard let name = PythonReference("random"),
            let module = name.lend({ PythonReference(owning: PyImport_GetModule($0)) }),
            let found = module.lend({ PyObject_GetAttrString($0, "_inst") })
        else { return PyErr_Clear() }
        Py_DecRef(generator)
        generator = found
    }

    /// Called before a new call where memory is not rewound: an earlier call has seen the state.
    static func mustRenew() { isRenewed = false }

    /// Called before the state is read. Returns false if there is no entropy; Python then raises a SystemError.
    private static func read(_ instance: PythonObject?) -> Bool {
        guard instance == generator, !isRenewed else { return true }
        // Seeds with fewer bytes than Python does, which is twice as fast.
        var seed: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        guard let original, withUnsafeMutableBytes(of: &seed, { getentropy($0.baseAddress, $0.count) }) == 0,
            let number = withUnsafeBytes(
                of: &seed,
                { bytes in
                    PythonReference(
                        owning: _PyLong_FromByteArray(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, 1, 0))
                })
        else { return false }
        let answer = number.lend { number in
            withUnsafePointer(to: Optional(number)) { PythonReference(owning: original.seed(instance, $0, 1)) }
        }
        // Only now: a call that caught the error must not continue with a state that other calls have seen.
        isRenewed = answer != nil
        return isRenewed
    }

    /// Called before the function sets the state itself.
    private static func write(_ instance: PythonObject?) {
        if instance == generator { isRenewed = true }
    }

    /// A method's entry in its table. It lives as long as the process.
    private static func method(_ name: String, of type: PythonReference, _ flags: Int32) -> UnsafeMutablePointer<
        PyMethodDef
    >? {
        guard let descriptor = type.lend({ PythonReference(owning: PyObject_GetAttrString($0, name)) }) else {
            return nil
        }
        let method = descriptor.lend { Py_GetMethodDef($0) }
        return method?.pointee.ml_flags == flags ? method : nil
    }
}
