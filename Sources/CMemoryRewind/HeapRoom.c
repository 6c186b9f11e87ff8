/* The C library's heap before a snapshot. In C because <malloc.h> is not a part of Swift's Glibc module. */
#define _GNU_SOURCE
#include "CMemoryRewind.h"

#include <malloc.h>
#include <stdlib.h>

enum {
  /* Twice the free heap memory at the snapshot. */
  HEAP_ROOM = 2 * FAAS_REWIND_HEAP_ROOM,
};

void faas_rewind_make_room(void) {
  /* If the heap grew and shrank with each invocation, each rewind would have to scan. So there is room for most
     invocations, which takes no memory until it is used, and none of it is returned to the kernel. */
  mallopt(M_MMAP_THRESHOLD, HEAP_ROOM);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 1 << 20);
  /* Volatile: a compiler may remove an unused allocation. */
  void *volatile room = malloc(FAAS_REWIND_HEAP_ROOM);
  free(room);
}
