/* Restores a process's private memory to a snapshot, from inside the process. docs/pristine-state.md explains the
   method. In C because the code must know which of its own variables are in the memory that is restored; Swift does not
   define that. */
#ifndef CMEMORYREWIND_H
#define CMEMORYREWIND_H

#include <stdint.h>

/* Counters of the rewinder. They are in memory that is not rewound; read them from within `serve`. */
struct faas_rewind_counters {
  uint64_t rewinds;      /* invocations served since the snapshot */
  uint64_t full_scans;   /* of them, those after which the dirty pages had to be looked for */
  uint64_t dirty_pages;  /* pages put back after the last one */
  uint64_t saved_pages;  /* pages in the snapshot */
};

/* Moves the private memory of this process, which has one thread, into a file that is mapped privately in its place.
   Processes that it forks afterwards share the file's pages, and a snapshot in one of them contains only pages that the
   process itself has written to. Called at most once. Returns 0, or the -errno of the failed step; without it,
   everything works but takes more memory. */
int faas_rewind_make_base(void);

/* Makes what faas_rewind_run() needs and the sandbox denies once the guest runs: the file that the snapshot is written
   to, as descriptor FAAS_REWIND_IMAGE, shared memory, and a handler of signal 33. No limit on memory counts these. Optional. Copies of the
   process get the descriptor, but not the memory. Returns 0 or -errno. */
int faas_rewind_prepare(void);

/* Makes the C library keep FAAS_REWIND_HEAP_ROOM bytes of free heap memory from here on. faas_rewind_run() does it too. */
void faas_rewind_make_room(void);
enum { FAAS_REWIND_HEAP_ROOM = 16 << 20 };

/* The shared memory; null if there is none. */
const void *faas_rewind_state(void);

/* Takes a snapshot, calls `seal(context)` once (its changes of the memory are undone; it returns 0 to end the process),
   then calls `serve(context)` in a loop, each time with all private memory as it was at the snapshot.

   `serve` returns 1 to continue, 0 to end the process, and an exit code, negated, if something besides memory cannot be
   restored. After the snapshot this function does not return: the process ends with exit code 0 when `serve` returns 0,
   and with FAAS_REWIND_RETIRED when its memory cannot be restored. The function returns only if no snapshot can be taken; then
   nothing has changed, and the value is the -errno of the failed step.

   Other threads that run now are a part of the snapshot. They are stopped while it is taken; `seal` is called before
   they go on, and must not allocate memory: one of them may hold a lock of the C library.

   What the caller guarantees, and why:
   - If `serve` can start a thread, or the snapshot has some, `serve` calls faas_rewind_stop_threads() before it returns
     1. The stack of a thread that runs would be restored under it. Without that call there must be one thread, which is
     checked whenever pages or mappings are new, as those of a new thread are.
   - No other process writes to this process's memory (ptrace, process_vm_writev, io_uring, userfaultfd): that would not
     change the fault counter.
   - Nothing that `serve` leaves on the stack matters: the stack is not restored.
   - `may_have_children` is 0 only if `serve` cannot make a process: one made by vfork writes to this memory. */
int faas_rewind_run(int (*seal)(void *context), int (*serve)(void *context), void *context, int may_have_children);

/* Called in `serve`, at its end: the threads of the snapshot stop, and all others end. Until the rewind nothing may
   allocate memory. Returns 0 if a thread does not stop, one of the snapshot's has ended, or one has taken the stack of
   its signal handler into use: then `serve` must return a negative number. */
int faas_rewind_stop_threads(void);

/* Valid inside `serve`; null if the process does not rewind. */
const struct faas_rewind_counters *faas_rewind_counters(void);

enum { FAAS_REWIND_RETIRED = 86 };

/* The numbers of the descriptors that the rewinder keeps open. The last two are used only if they are open. */
enum { FAAS_REWIND_PAGEMAP = 32, FAAS_REWIND_STATM = 33, FAAS_REWIND_MAPS = 34, FAAS_REWIND_TASKS = 35 };
/* Only if faas_rewind_prepare() was called. It stays open, and sealed: its number must not become another file's. */
enum { FAAS_REWIND_IMAGE = 39 };

#endif
