/* See CNotedCalls.h. */
#define _GNU_SOURCE
#include "CNotedCalls.h"

#include <CLinuxShims.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* The C library keeps the first two real-time signals for its threads. */
enum { FIRST_OWN_SIGNAL = 32, LAST_OWN_SIGNAL = 33 };

/* How this architecture returns from a signal handler: a flag and an address that the C library adds to each action, or
   neither (arm64, where the kernel has its own). The C library hides the address, so it is read from an action that
   the library has set. */
static struct faas_signal_action returning;

__attribute__((constructor)) static void learn_returning(void) {
  int (*set)(int, const struct sigaction *, struct sigaction *) =
      (int (*)(int, const struct sigaction *, struct sigaction *))dlsym(RTLD_NEXT, "sigaction");
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  const int signal = SIGRTMAX;
  if (!set || set(signal, &ignore, &before) < 0) abort();
  syscall(SYS_rt_sigaction, signal, NULL, &returning, sizeof returning.mask);
  set(signal, &before, NULL);
}

int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old) {
  if (signal >= FIRST_OWN_SIGNAL && signal <= LAST_OWN_SIGNAL) {
    errno = EINVAL;
    return -1;
  }
  struct faas_signal_action to = {0}, was = {0};
  if (new) {
    to.handler = (unsigned long)new->sa_handler;
    to.flags = (unsigned int)new->sa_flags;
    memcpy(&to.mask, &new->sa_mask, sizeof to.mask);
    to.flags |= returning.flags;
    to.restorer = returning.restorer;
  }
  /* Reading changes nothing. */
  long result = new ? faas_noted_call(SYS_rt_sigaction, signal, (long)&to, (long)&was, sizeof to.mask)
                    : syscall(SYS_rt_sigaction, signal, NULL, &was, sizeof was.mask);
  if (result < 0) return -1;
  if (old) {
    memset(old, 0, sizeof *old);
    old->sa_handler = (void (*)(int))was.handler;
    old->sa_flags = (int)was.flags;
    memcpy(&old->sa_mask, &was.mask, sizeof was.mask);
  }
  return 0;
}

void (*signal(int signal, void (*handler)(int)))(int) {
  struct sigaction new = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
  sigemptyset(&new.sa_mask);
  sigaddset(&new.sa_mask, signal);
  return sigaction(signal, &new, &old) < 0 ? SIG_ERR : old.sa_handler;
}

/* A signal that is blocked waits at the process or the thread, also when the call has ended. */
int kill(pid_t process, int signal) {
  faas_note_signal();
  return (int)syscall(SYS_kill, process, signal);
}

int killpg(pid_t group, int signal) { return kill(-group, signal); }

int raise(int signal) {
  faas_note_signal();
  return (int)syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), signal);
}

int pthread_kill(pthread_t thread, int signal) {
  static int (*send)(pthread_t, int);
  if (!send) send = (int (*)(pthread_t, int))dlsym(RTLD_NEXT, "pthread_kill");
  faas_note_signal();
  return send(thread, signal);
}

int setitimer(__itimer_which_t timer, const struct itimerval *restrict new, struct itimerval *restrict old) {
  return (int)faas_noted_call(SYS_setitimer, (long)timer, (long)new, (long)old, 0);
}

unsigned int alarm(unsigned int seconds) {
  struct itimerval new = {.it_value.tv_sec = seconds}, old;
  if (setitimer(ITIMER_REAL, &new, &old) < 0) return 0;
  /* As in the C library: rounded, but what is left is never 0 seconds. */
  const unsigned int seconds_left = (unsigned int)old.it_value.tv_sec;
  return seconds_left + (old.it_value.tv_usec >= 500000 || (!seconds_left && old.it_value.tv_usec));
}

mode_t umask(mode_t mask) { return (mode_t)faas_noted_call(SYS_umask, mask, 0, 0, 0); }
int chdir(const char *path) { return (int)faas_noted_call(SYS_chdir, (long)path, 0, 0, 0); }
int fchdir(int descriptor) { return (int)faas_noted_call(SYS_fchdir, descriptor, 0, 0, 0); }

/* MARK: Pairs of sockets */

/* The kernel does not tell which sockets belong together, and what a source opened while it loaded must be made again
   when a call has changed it. */
int socketpair(int domain, int type, int protocol, int ends[2]) {
  int result = (int)syscall(SYS_socketpair, domain, type, protocol, ends);
  struct stat first, second;
  if (result == 0 && fstat(ends[0], &first) == 0 && fstat(ends[1], &second) == 0)
    faas_note_socket_pair(first.st_ino, second.st_ino);
  return result;
}

/* MARK: Shared memory without a file */

/* Where the filter refuses it, private memory instead: the process has no copies that it could share it with, and limits
   on memory count it. Without a filter, as with the sandbox off, it is shared. */
void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
  void *mapped = (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
  if (mapped != MAP_FAILED || errno != EPERM || !(flags & MAP_ANONYMOUS) || !(flags & MAP_SHARED)) return mapped;
  return (void *)syscall(SYS_mmap, address, length, protection, (flags & ~MAP_TYPE) | MAP_PRIVATE, file, offset);
}
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

/* MARK: Semaphores with a name */

/* They are files in /dev/shm, which no function can make. Where the system refuses one, it is a semaphore of this
   process: no other process could open it. Python's module multiprocessing makes its locks of them, and removes the
   name at once. */
struct own_semaphore {
  sem_t semaphore;
  struct own_semaphore *next;
};
static struct own_semaphore *own_semaphores;
static pthread_mutex_t semaphore_lock = PTHREAD_MUTEX_INITIALIZER;

static void *next_function(const char *name) { return dlsym(RTLD_NEXT, name); }

static sem_t *open_own_semaphore(unsigned int value) {
  struct own_semaphore *made = malloc(sizeof *made);
  if (!made) return SEM_FAILED;
  if (sem_init(&made->semaphore, 0, value) < 0) {
    free(made);
    return SEM_FAILED;
  }
  pthread_mutex_lock(&semaphore_lock);
  made->next = own_semaphores;
  own_semaphores = made;
  pthread_mutex_unlock(&semaphore_lock);
  return &made->semaphore;
}

sem_t *sem_open(const char *name, int flags, ...) {
  mode_t mode = 0;
  unsigned int value = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    value = va_arg(arguments, unsigned int);
    va_end(arguments);
  }
  sem_t *(*open_named)(const char *, int, ...) = (sem_t *(*)(const char *, int, ...))next_function("sem_open");
  sem_t *semaphore = open_named ? open_named(name, flags, mode, value) : SEM_FAILED;
  if (semaphore != SEM_FAILED || !(flags & O_CREAT) || !(flags & O_EXCL)) return semaphore;
  /* No such folder, or no right to it. */
  return errno == EPERM || errno == EACCES || errno == ENOENT || errno == ENOSYS || errno == EROFS
             ? open_own_semaphore(value)
             : SEM_FAILED;
}

int sem_close(sem_t *semaphore) {
  pthread_mutex_lock(&semaphore_lock);
  struct own_semaphore **link = &own_semaphores;
  while (*link && &(*link)->semaphore != semaphore) link = &(*link)->next;
  struct own_semaphore *found = *link;
  if (found) *link = found->next;
  pthread_mutex_unlock(&semaphore_lock);
  if (found) {
    sem_destroy(&found->semaphore);
    free(found);
    return 0;
  }
  int (*close_named)(sem_t *) = (int (*)(sem_t *))next_function("sem_close");
  return close_named ? close_named(semaphore) : -1;
}

int sem_unlink(const char *name) {
  int (*unlink_named)(const char *) = (int (*)(const char *))next_function("sem_unlink");
  int result = unlink_named ? unlink_named(name) : -1;
  /* A semaphore of this process has no name. */
  return result < 0 && own_semaphores ? 0 : result;
}

/* MARK: Locks on files */

/* The kernel keeps locks with the file, where other functions and the host would see them. Files outside of the folder
   for temporary files are read-only for every function: a lock on one has nothing to guard, and succeeds where the
   filter refuses it. Without a filter, as with the sandbox off, locks are the kernel's. */
static int is_temporary(int file) {
  struct stat info, folder, root;
  if (fstat(file, &info) < 0 || stat("/tmp", &folder) < 0 || stat("/", &root) < 0) return 0;
  /* Without a mount of its own, the folder is the machine's. */
  return info.st_dev == folder.st_dev && folder.st_dev != root.st_dev;
}

/* Returns 1 if the filter has refused the lock. */
static int lock_call(long number, int file, int operation, void *lock, int *result) {
  /* The filter refuses before the kernel looks at the descriptor. */
  *result = (int)syscall(SYS_fcntl, file, F_GETFD);
  if (*result < 0) return 0;
  *result = (int)syscall(number, file, operation, lock, 0, is_temporary(file) ? faas_note_mark : 0);
  return *result < 0 && errno == EPERM;
}

int flock(int file, int operation) {
  int result;
  return lock_call(SYS_flock, file, operation, NULL, &result) ? 0 : result;
}

int fcntl(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (command != F_GETLK && command != F_SETLK && command != F_SETLKW)
    return (int)syscall(SYS_fcntl, file, command, argument);
  int result;
  if (!lock_call(SYS_fcntl, file, command, argument, &result)) return result;
  if (command == F_GETLK) ((struct flock *)argument)->l_type = F_UNLCK;
  return 0;
}
int fcntl64(int, int, ...) __attribute__((alias("fcntl")));
