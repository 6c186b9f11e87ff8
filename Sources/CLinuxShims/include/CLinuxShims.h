/* Linux functions that Swift cannot call. Each one says why. Nothing else belongs here. */
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
   Return a descriptor or 0, or -errno. The signal is sent to the process and, where the kernel can, to what it started:
   all of the group whose number is its pid. */
int faas_pidfd_open(pid_t pid);
int faas_pidfd_kill(int pidfd, int signal);

/* getxattr(2): Swift's Glibc module does not import the header. Whether the attribute is the one character given. */
int faas_has_attribute(const char *path, const char *name, char value);

/* eventfd(2), which Swift's Glibc module leaves out. Returns the descriptor or -errno. */
int faas_open_event(void);

/* Objects in the kernel under given numbers, whatever these referred to. In C, because Swift's Glibc module leaves out
   eventfd and epoll, and because they must allocate no memory. Made close-on-exec. Return 0 or -errno. */
struct faas_epoll_member {
  uint64_t data;
  uint64_t inode; /* of the file that it is, 0: not known */
  int32_t descriptor;
  uint32_t events;
};
int faas_make_event(int number, uint64_t count, int is_semaphore);
int faas_make_epoll(int number, const struct faas_epoll_member *members, int count);
/* A pipe, or a pair of local stream sockets. */
int faas_make_pair(int first, int second, int is_pipe);
int faas_is_epoll(int descriptor);
/* Whether two descriptors are of one object, tried with a change that is taken back. The kernel does not tell. */
int faas_is_same_epoll(int first, int second);
int faas_is_same_event(int first, int second);
/* Whether reading from an event counter takes one of `count`: tries it, and puts back what it took. */
int faas_is_semaphore(int descriptor, uint64_t count);
/* How much can be read from a pipe: ioctl(2), which is variadic. -errno if that is not known. */
int faas_readable_bytes(int descriptor);

/* Which sockets belong together: their inodes. Only the last few pairs are kept. 0: not known. */
void faas_note_socket_pair(uint64_t first, uint64_t second);
uint64_t faas_peer_of_socket(uint64_t inode);

/* prctl(2) is variadic. Return 0 or -errno. */
int faas_set_parent_death_signal(int signal);
int faas_set_child_subreaper(void);
int faas_set_no_new_privileges(void);

/* pthread_setattr_default_np(3): headers declare it only with _GNU_SOURCE. The size of the stacks of threads that are made
   from here on without a size of their own. Returns 0 or -errno. */
int faas_set_thread_stacks(size_t bytes);

/* sched_setaffinity(2) and sched_getaffinity(2): headers declare them only with _GNU_SOURCE. One bit for each of 1,024
   processors. Return 0 or -errno. */
enum { FAAS_PROCESSOR_WORDS = 16 };
int faas_set_processors(pid_t thread, const uint64_t *bits);
int faas_get_processors(pid_t thread, uint64_t *bits);

/* System calls that change state of a process besides memory and descriptors, and that leave a note. Where a process
   cannot make them in another way, there is nothing to restore while there is no note. The kernel ignores the fifth
   argument of these calls; a filter of system calls recognises them by it. */
static const uint64_t faas_note_mark = 0x9d5c7f06e1b3a824;
/* Makes a system call of at most four arguments, noted first. As syscall(2). */
long faas_noted_call(long number, long first, long second, long third, long fourth);
/* Notes that a signal has been sent, which may wait at a process or thread that blocks it. */
void faas_note_signal(void);
/* Whether there is a note, which is removed. 2: of a signal too. */
int faas_take_note(void);
/* Removes signals that wait at any of the process's threads. Their actions must be restored afterwards. */
void faas_drop_signals(void);

/* State of a process that only the process itself can change, in parts that are compared after each invocation. In C,
   because a hundred system calls cost nothing extra here, and because Swift imports neither the variadic nor the hidden
   ones. */
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
/* `actions` has FAAS_SIGNAL_COUNT elements. */
void faas_read_signal_actions(struct faas_signal_action *actions);
/* Restores those of the first `count` actions that differ, by calls that are noted. Returns 0 or -errno. */
int faas_restore_signal_actions(const struct faas_signal_action *actions, int count);

/* signalfd(2) for SIGCHLD, which is blocked: Swift's Glibc module does not import the header.
   Returns a close-on-exec, non-blocking descriptor, or -errno. */
int faas_open_child_signals(void);

/* posix_spawn(3) with one socket as descriptor 3, /dev/null as standard input, and no other descriptors but standard
   output and error; default signal handling and mask, and a process group of its own. In C because the attribute and
   file-action types are opaque unions, which Swift imports differently from one C library to the next. Returns 0 or an
   errno value. */
int faas_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket);

/* The same in new namespaces: user, mount, process, network, IPC, host name, cgroup. The new process has pid 1 in its
   namespace, so the kernel kills the others there when it ends. It has its own /proc, and is root of the namespace
   until it drops that. If the host is root, the process can change to the user and group FAAS_NOBODY. In C because
   posix_spawn has no such flags, and because a copy of a threaded process may only make system calls between clone(2)
   and execve(2). Returns 0, or an errno value and no process. */
int faas_spawn_isolated(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket);
enum { FAAS_NOBODY = 65534 };

/* syncfs(2): headers declare it only with _GNU_SOURCE. Returns 0 or -errno. */
int faas_sync_file_system(int descriptor);

/* statfs(2), which Swift's Glibc module leaves out. 1 if other machines or programs may change files there without this
   kernel noticing (NFS, SMB, FUSE, 9P, Ceph, AFS), 0 if not or if there is no such file. */
int faas_is_remote_file_system(const char *path);

/* close_range(2), from `first` to `last`. Only newer headers have a wrapper that Swift imports. Returns 0 or -errno. */
int faas_close_range(unsigned int first, unsigned int last);

/* Zeroes the 32 KiB of the stack below its caller's frame. */
void faas_clear_dead_stack(void);

#endif
