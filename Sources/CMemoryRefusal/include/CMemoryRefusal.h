#pragma once

#include <stddef.h>

/* JavaScriptCore ends the process when it is refused memory for a text, and does not say why. It maps memory with
   `mmap`, which the executable's own takes the place of: that one does the same, and notes a refusal. */

/* `frame` is sent to `descriptor` if the engine ends this process during a call in which memory was refused. Copied; at
   most 256 bytes, else nothing is ever sent. */
void faas_refusal_prepare(const void *frame, size_t size, int descriptor);

/* A call begins, or ends: outside of calls nothing is sent. */
void faas_refusal_begin_call(void);
void faas_refusal_end_call(void);
