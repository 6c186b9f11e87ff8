/* Python.h asks the C library for a standard in which fd_set has other field names than in Swift's Glibc module. The first
   header decides, so it comes first. */
#include <sys/select.h>

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* None is a macro around a static, which Swift does not import. Returns a borrowed reference. */
static inline PyObject *Py_GetNone(void) { return Py_None; }

/* The entry of the table that this method of a type was made from, which lives as long as the type; null if the object is no such
   method. Types are variables, which Swift does not use without a lock. Borrowed. */
static inline PyMethodDef *Py_GetMethodDef(PyObject *object) {
    return Py_IS_TYPE(object, &PyMethodDescr_Type) ? ((PyMethodDescrObject *)object)->d_method : NULL;
}
