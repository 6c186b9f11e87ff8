/* Python.h selects a C standard in which fd_set has other field names than in Swift's Glibc module. The first header
   decides which, so this include comes first. */
#include <sys/select.h>

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* None is a macro for a static variable, which Swift does not import. Returns a borrowed reference. */
static inline PyObject *Py_GetNone(void) { return Py_None; }

/* The table entry that this method of a type was made from; null if the object is not such a method. The entry lives as
   long as the type. In C because types are global variables, which Swift does not use without a lock. Borrowed. */
static inline PyMethodDef *Py_GetMethodDef(PyObject *object) {
    return Py_IS_TYPE(object, &PyMethodDescr_Type) ? ((PyMethodDescrObject *)object)->d_method : NULL;
}
