import CPython
import Glibc

/// The generator behind `random.random()` and its like. Its state is part of a memory that every call finds the same,
/// so it is given new state in each: when it is first asked for something, because most calls never ask, and it takes
/// as long as a short handler.
///
/// Python has no hook for that. The methods that read and write the state are in a table of `_random`'s, and are
/// replaced there.
enum SharedRandomGenerator {
    private typealias FastMethod =
        @convention(c) (PythonObject?, UnsafePointer<PythonObject?>?, Py_ssize_t) -> PythonObject?

    private struct Methods {
        var random, getrandbits, getstate, setstate: PyCFunction
        var seed: FastMethod
    }

    // Safe because all code that uses these holds the interpreter's lock: Python's methods always, and the worker's one
    // thread whenever it is not in a handler. So nothing races, also if a handler has threads.

    /// Kept alive. Replaced only when a function has loaded, under the lock.
    nonisolated(unsafe) private static var generator: PythonObject?
    /// Whether its state is this call's own. Put back to false with the memory, and by ``mustRenew()`` where nothing is
    /// put back. Read and written under the lock.
    nonisolated(unsafe) private static var isRenewed = false
    /// Set once, in the zygote, which has one thread, before a method that reads it is in place.
    nonisolated(unsafe) private static var original: Methods?

    /// Replaces the methods. Called once, in the zygote.
    /// - Returns: false if this Python's are not what they are known to be.
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
            // What METH_FASTCALL says it is.
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

    /// From here on the generator is module `random`'s present one, and its state is not yet any call's own. Called when a
    /// function has loaded: it may have made another, by loading the module anew.
    static func adopt() {
        isRenewed = false
        guard let name = PythonReference("random"),
            let module = name.lend({ PythonReference(owning: PyImport_GetModule($0)) }),
            let found = module.lend({ PyObject_GetAttrString($0, "_inst") })
        else { return PyErr_Clear() }
        Py_DecRef(generator)
        generator = found
    }

    /// What is in the generator has been seen by others.
    static func mustRenew() { isRenewed = false }

    /// Before the state is read. Returns false if there is none to be had, which Python makes a SystemError of.
    private static func read(_ instance: PythonObject?) -> Bool {
        guard instance == generator, !isRenewed else { return true }
        // From less than Python itself would take, which is twice as fast.
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
        // Not before: a call that has caught the error must not go on with what others have seen.
        isRenewed = answer != nil
        return isRenewed
    }

    /// Before the state is replaced by one that the function chooses.
    private static func write(_ instance: PythonObject?) {
        if instance == generator { isRenewed = true }
    }

    /// The entry of a method's table, which lives as long as the process.
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
