#define _GNU_SOURCE
#include "Threads.h"
#include "CMemoryRewind.h"

#include <CLinuxShims.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* How a thread is part of a snapshot. It is interrupted by a signal, and the kernel writes all its registers into a
   frame on a stack that only the handler uses. There it waits, while its memory is saved, or put back with that frame.
   When the handler returns, the kernel loads the registers from the frame: the thread goes on from where it was when
   the snapshot was taken, wherever it was in between. What it was waiting for in the kernel begins again, or ends with
   EINTR, as after any signal.

   The handler's own frames are put back too, while it waits. So what it needs after that is either the same each time
   (where it returns to, which thread this is) or in memory that is not rewound. */

enum {
  /* The second of the two signals that the C library keeps for itself. It uses it to change the user of all threads,
     which workers may not. Its functions cannot block these two, so threads that block "all" signals, as those of
     allocators do, take it. */
  STOP = 33,
  STACK_SIZE = 32 << 10, /* the kernel's frame is up to 12 KiB, with all of a processor's registers */
  MILLISECOND = 1000000,
  /* Milliseconds: a worker may get little of a busy machine, and its threads may want all of that. */
  KEEP_LIMIT = 5000,
  STOP_LIMIT = 2000,
  YIELDS = 50,
};

enum { GIVING_STACKS = 1, TAKING_SNAPSHOT, SERVING };

/* Set before the snapshot. */
static struct threads *T;

/* MARK: Kernel */

static void wait_while(atomic_uint *word, unsigned value, const struct timespec *limit) {
  syscall(SYS_futex, word, FUTEX_WAIT, value, limit, NULL, 0);
}

static void wake(atomic_uint *word, int count) { syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0); }

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

/* 0, or -errno. */
static int send_signal(int thread) {
  return syscall(SYS_tgkill, getpid(), thread, STOP, 0, faas_note_mark) < 0 ? -errno : 0;
}

int faas_thread_count(void) {
  struct stat info;
  /* The system call fstat(2): the C library's fstat makes another call, which not every sandbox allows. */
  if (syscall(SYS_fstat, FAAS_REWIND_TASKS, &info) && stat("/proc/self/task", &info)) return -1;
  return (int)info.st_nlink - 2;
}

/* Calls `body` for each other thread. Returns 0, or -errno. */
static int for_each_other(struct threads *threads, int (*body)(struct threads *, int thread)) {
  int is_open = lseek(FAAS_REWIND_TASKS, 0, SEEK_SET) == 0;
  int folder = is_open ? FAAS_REWIND_TASKS : open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -errno;
  int result = 0;
  while (result == 0) {
    long size = syscall(SYS_getdents64, folder, threads->entries, sizeof threads->entries);
    if (size <= 0) {
      if (size < 0) result = -errno;
      break;
    }
    for (long at = 0; at < size && result == 0;) {
      struct entry {
        uint64_t inode, offset;
        uint16_t size;
        uint8_t type;
        char name[];
      } *entry = (struct entry *)(threads->entries + at);
      at += entry->size;
      int thread = atoi(entry->name);
      if (thread > 0 && thread != threads->main) result = body(threads, thread);
    }
  }
  if (!is_open) close(folder);
  return result;
}

/* MARK: In the stopped threads */

static struct known_thread *find(struct threads *threads, int number) {
  for (int i = 0; i < threads->count; i++) {
    if (atomic_load(&threads->known[i].number) == number) return &threads->known[i];
  }
  return NULL;
}

static void stop_here(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  struct threads *threads = T;
  /* In memory, not in a register: while this waits, it becomes that of the snapshot. */
  volatile int error = errno;
  int number = (int)syscall(SYS_gettid);
  /* A signal that the guest sends means nothing. */
  if (!threads || !atomic_load(&threads->is_stopping) || number == threads->main) return;
  struct known_thread *thread = find(threads, number);
  if (!thread) {
    /* Only this thread ends, and runs nothing more: what it would tidy up is about to be put back. */
    if (threads->phase == SERVING) syscall(SYS_exit, 0);
    return;
  }
  if (threads->phase == GIVING_STACKS) {
    /* The kernel takes the thread's signal stack from the frame when this returns. */
    ucontext_t *frame = context;
    if (frame->uc_stack.ss_flags & SS_DISABLE) {
      frame->uc_stack.ss_sp = threads->stacks + (ptrdiff_t)thread->stack * STACK_SIZE;
      frame->uc_stack.ss_size = STACK_SIZE;
      frame->uc_stack.ss_flags = 0;
    }
    atomic_store(&thread->has_stack, 1);
    errno = error;
    return;
  }
  if (threads->phase == TAKING_SNAPSHOT) atomic_store(&thread->frame, (uintptr_t)context);
  /* The guest has taken this stack into use, or more registers. The snapshot's frame is not where the kernel would look
     for it. */
  else if (atomic_load(&thread->frame) != (uintptr_t)context) atomic_store(&threads->has_failed, 1);
  atomic_store(&thread->generation, atomic_load(&threads->generation));
  atomic_fetch_add(&threads->stopped, 1);
  wake(&threads->stopped, 1);
  for (;;) {
    unsigned generation = atomic_load(&thread->generation);
    if (atomic_load(&threads->generation) != generation) break;
    wait_while(&threads->generation, generation, NULL);
  }
  errno = error;
}

/* MARK: In the main thread */

/* As the kernel has it: the C library refuses its own signals. */
static struct {
  void *handler;
  unsigned long flags;
  void *restorer;
  unsigned long mask;
} action;

/* The C library hides the code that returns from a handler, so an action that it has set is read, and set back. Returns
   0 on failure. */
static int make_action(void) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  if (sigaction(SIGUSR2, &ignore, &before)) return 0;
  long result = syscall(SYS_rt_sigaction, SIGUSR2, NULL, &action, sizeof action.mask);
  sigaction(SIGUSR2, &before, NULL);
  if (result < 0) return 0;
  action.handler = (void *)stop_here;
  action.flags |= SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  action.mask = ~0ul;
  return 1;
}

void faas_threads_install(void) {
  if (action.handler || make_action()) syscall(SYS_rt_sigaction, STOP, &action, NULL, sizeof action.mask);
}

void faas_threads_go_on(struct threads *threads) {
  atomic_store(&threads->is_stopping, 0);
  if (threads->count == 0) return;
  atomic_fetch_add(&threads->generation, 1);
  wake(&threads->generation, MAX_THREADS);
}

/* Waits a moment for something that other threads do soon. */
static void wait_for_others(struct threads *threads, int attempt, unsigned seen) {
  struct timespec moment = {.tv_nsec = MILLISECOND / 20};
  if (attempt < YIELDS) sched_yield();
  else if (seen < (unsigned)threads->count) wait_while(&threads->stopped, seen, &moment);
  else nanosleep(&moment, NULL);
}

static int end_unknown(struct threads *threads, int thread) {
  if (!find(threads, thread)) send_signal(thread);
  return 0;
}

/* Stops the known threads; if the snapshot has been taken, ends the others. Returns 0 if one does not stop. */
static int stop_known(struct threads *threads) {
  atomic_store(&threads->stopped, 0);
  atomic_store(&threads->is_stopping, 1);
  for (int i = 0; i < threads->count; i++) {
    if (send_signal(atomic_load(&threads->known[i].number))) return 0;
  }
  int64_t end = now() + (int64_t)(threads->phase == SERVING ? STOP_LIMIT : KEEP_LIMIT) * MILLISECOND;
  for (int attempt = 0;; attempt++) {
    unsigned stopped = atomic_load(&threads->stopped);
    int count = faas_thread_count();
    if (count < 0 || count <= threads->count || atomic_load(&threads->has_failed)) return 0;
    int has_others = count > threads->count + 1;
    if (stopped == (unsigned)threads->count && (!has_others || threads->phase != SERVING)) return 1;
    /* They may have started others before they saw the signal, or were just starting and did not take it. */
    if (has_others && threads->phase == SERVING && attempt % YIELDS == 0) for_each_other(threads, end_unknown);
    if (attempt % 16 == 15 && now() > end) return 0;
    wait_for_others(threads, attempt, stopped);
  }
}

int faas_threads_stop(struct threads *threads) {
  if (threads->count == 0 && faas_thread_count() == 1) return 1;
  if (!T) {
    /* The snapshot has no threads, so nothing has been made ready for them. */
    threads->main = (int)syscall(SYS_gettid);
    threads->phase = SERVING;
    T = threads;
  }
  /* Without a sandbox, the C library takes the signal when a process starts its first thread. */
  faas_threads_install();
  return stop_known(threads);
}

static int remember(struct threads *threads, int number) {
  if (find(threads, number)) return 0;
  if (threads->count == MAX_THREADS || threads->stack_count == MAX_THREADS) return -EAGAIN;
  char *stack = threads->stacks + (ptrdiff_t)threads->stack_count * STACK_SIZE;
  if (mprotect(stack, STACK_SIZE, PROT_READ | PROT_WRITE)) return -errno;
  struct known_thread *thread = &threads->known[threads->count];
  thread->stack = threads->stack_count++;
  atomic_store(&thread->has_stack, 0);
  atomic_store(&thread->number, number);
  threads->count++;
  return 0;
}

static void forget_ended(struct threads *threads) {
  int kept = 0;
  for (int i = 0; i < threads->count; i++) {
    int number = atomic_load(&threads->known[i].number);
    if (syscall(SYS_tgkill, getpid(), number, 0) < 0) continue;
    struct known_thread *to = &threads->known[kept++];
    to->stack = threads->known[i].stack;
    atomic_store(&to->has_stack, atomic_load(&threads->known[i].has_stack));
    atomic_store(&to->number, number);
  }
  threads->count = kept;
}

/* Gives each thread a stack for the handler. Returns 0, or -errno. */
static int give_stacks(struct threads *threads) {
  forget_ended(threads);
  int error = for_each_other(threads, remember);
  if (error) return error;
  threads->phase = GIVING_STACKS;
  atomic_store(&threads->is_stopping, 1);
  int64_t end = now() + (int64_t)KEEP_LIMIT * MILLISECOND;
  for (int i = 0; i < threads->count; i++) {
    struct known_thread *thread = &threads->known[i];
    if (!atomic_load(&thread->has_stack)) send_signal(atomic_load(&thread->number));
    for (int attempt = 0; !atomic_load(&thread->has_stack); attempt++) {
      /* It may have ended: then it is forgotten the next time. */
      if (syscall(SYS_tgkill, getpid(), atomic_load(&thread->number), 0) < 0) break;
      if (now() > end) return -ETIMEDOUT;
      wait_for_others(threads, attempt, (unsigned)threads->count);
    }
  }
  atomic_store(&threads->is_stopping, 0);
  return 0;
}

int faas_threads_keep(struct threads *threads) {
  if (faas_thread_count() == 1) return 0;
  /* Without access they count for no limit. */
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *stacks = mmap(NULL, (size_t)MAX_THREADS * STACK_SIZE, PROT_NONE, flags, -1, 0);
  if (stacks == MAP_FAILED) return -errno;
  threads->stacks = stacks;
  threads->main = (int)syscall(SYS_gettid);
  T = threads;
  faas_threads_install();
  int error = -EBUSY;
  /* Threads may start and end meanwhile. */
  for (int attempt = 0; attempt < 20; attempt++) {
    if ((error = give_stacks(threads))) break;
    threads->phase = TAKING_SNAPSHOT;
    int is_stopped = stop_known(threads);
    if (is_stopped && faas_thread_count() == threads->count + 1) {
      threads->phase = SERVING;
      return 0;
    }
    faas_threads_go_on(threads);
    error = -EBUSY;
  }
  faas_threads_go_on(threads);
  T = NULL;
  return error;
}
