/* JavaScriptCore's own C API, unchanged. */
#include <JavaScriptCore/JavaScript.h>

/* Exported by the same library. The headers that declare them include all of GLib. */
unsigned jsc_get_major_version(void);
unsigned jsc_get_minor_version(void);
unsigned jsc_get_micro_version(void);
