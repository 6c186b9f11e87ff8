/* JavaScriptCore's own C API, as it is. */
#include <JavaScriptCore/JavaScript.h>

/* Exported by the same library; their own headers bring in all of GLib. */
unsigned jsc_get_major_version(void);
unsigned jsc_get_minor_version(void);
unsigned jsc_get_micro_version(void);
