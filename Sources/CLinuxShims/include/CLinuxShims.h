/* What Linux offers and Swift cannot call: each function says why it is here. Nothing else belongs here. */
#ifndef CLINUXSHIMS_H
#define CLINUXSHIMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* fork(2). Swift marks it unavailable, because a forked copy of a threaded process may do almost nothing.
   Invariant: called only by a process that has exactly one thread (a zygote, or a worker that checked). */
pid_t faas_fork(void);

/* sendmsg(2) and recvmsg(2) with at most one descriptor. Swift cannot use the CMSG macros.
   `faas_send` answers -EAGAIN instead of waiting for room if `waits` is 0.
   `faas_receive` stores -1 in *descriptor if none came. It closes every descriptor past the first, marks the first
   close-on-exec, and answers EPROTO if the message or its ancillary data was cut. Both return bytes or -errno. */
ssize_t faas_send(int socket, const void *bytes, size_t count, int descriptor, int waits);
ssize_t faas_receive(int socket, void *bytes, size_t capacity, int *descriptor);

/* pidfd_open(2), pidfd_send_signal(2). glibc 2.36 has no wrapper Swift imports, and syscall(2) is variadic.
   Return a descriptor or 0, or -errno. */
int faas_pidfd_open(pid_t pid);
int faas_pidfd_kill(int pidfd, int signal);

/* getxattr(2): Swift's Glibc module does not import the header. Whether the attribute is the one character given. */
int faas_has_attribute(const char *path, const char *name, char value);

/* eventfd(2), which Swift's Glibc module leaves out. Returns the descriptor or -errno. */
int faas_open_event(void);

/* prctl(2) is variadic. Return 0 or -errno. */
int faas_set_parent_death_signal(int signal);
int faas_set_child_subreaper(void);
int faas_set_no_new_privileges(void);

/* sched_setaffinity(2) and sched_getaffinity(2), which headers declare only to those who define _GNU_SOURCE. One bit for each of
   1,024 processors. Return 0 or -errno. */
enum { FAAS_PROCESSOR_WORDS = 16 };
int faas_set_processors(pid_t thread, const uint64_t *bits);
int faas_get_processors(pid_t thread, uint64_t *bits);

/* System calls that change what a process has besides memory and descriptors, and that leave a note: where nobody can make them
   otherwise, there is nothing to put back as long as there is no note. The kernel ignores the fifth argument of these calls; a filter
   of system calls tells by it. */
static const uint64_t faas_note_mark = 0x9d5c7f06e1b3a824;
/* Makes a system call of at most four arguments, noted first. As syscall(2). */
long faas_noted_call(long number, long first, long second, long third, long fourth);
/* Whether there is a note, which is removed. */
int faas_take_note(void);

/* What a process has that only it can change, by parts that are compared after each invocation: a hundred system calls, made here
   because from C each costs nothing but itself, and because Swift imports neither the variadic nor the hidden ones. */
struct faas_signal_action { /* as the kernel keeps it */
  unsigned long handler, flags, restorer, mask;
};
struct faas_limit {
  uint64_t soft, hard;
};
struct faas_attributes {
  struct faas_limit limits[16];
  char name[16];
  int32_t session, group, policy, timer_slack, has_signal_stack;
};
enum { FAAS_SIGNAL_COUNT = 64 };

void faas_read_attributes(struct faas_attributes *attributes);
/* `actions` has FAAS_SIGNAL_COUNT elements; the first `count` are put back. */
void faas_read_signal_actions(struct faas_signal_action *actions);
/* Puts back those that differ, by calls that are noted. Returns 0 or -errno. */
int faas_restore_signal_actions(const struct faas_signal_action *actions, int count);

/* signalfd(2) for SIGCHLD, which is blocked: Swift's Glibc module does not import the header.
   Returns a close-on-exec, non-blocking descriptor, or -errno. */
int faas_open_child_signals(void);

/* posix_spawn(3) with one socket as descriptor 3, /dev/null as standard input, and nothing else but standard output and
   error; signal dispositions and mask reset, a process group of its own. In C because the attribute and file-action
   types are opaque unions that Swift imports differently from one C library to the next. Returns 0 or an errno value. */
int faas_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket);

/* The same in namespaces of its own: user, mount, process, network, IPC, host name, cgroup. The new process is number 1 among its
   own, so the kernel ends all of them with it; it has a /proc of its own, and is root of the namespace until it gives that up. If
   the host is root, FAAS_NOBODY is a user and group that it can become. In C because posix_spawn has no such flags, and what
   runs between clone(2) and execve(2) in a copy of a threaded process may make system calls and nothing else.
   Returns 0 or an errno value; then there is no process. */
int faas_spawn_isolated(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket);
enum { FAAS_NOBODY = 65534 };

/* syncfs(2), which headers declare only to those who define _GNU_SOURCE. Returns 0 or -errno. */
int faas_sync_file_system(int descriptor);

/* statfs(2), which Swift's Glibc module leaves out. 1 if other machines or programs may change files there without this
   kernel noticing (NFS, SMB, FUSE, 9P, Ceph, AFS), 0 if not or if there is no such file. */
int faas_is_remote_file_system(const char *path);

/* close_range(2), from `first` to `last`. A wrapper Swift imports arrived only in newer headers. Returns 0 or -errno. */
int faas_close_range(unsigned int first, unsigned int last);

/* Zeroes the 32 KiB of the stack below its caller's frame. */
void faas_clear_dead_stack(void);

#endif
