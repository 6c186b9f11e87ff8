/* Python.h asks the C library for a standard in which fd_set has other field names than in Swift's Glibc module. The first
   header decides, so it comes first. */
#include <sys/select.h>

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* None is a macro around a static, which Swift does not import. Returns a borrowed reference. */
static inline PyObject *Py_GetNone(void) { return Py_None; }
