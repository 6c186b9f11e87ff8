#define _GNU_SOURCE
#include <sys/statfs.h>
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

pid_t faas_fork(void) { return fork(); }

int faas_has_attribute(const char *path, const char *name, char value) {
  char found;
  return getxattr(path, name, &found, 1) == 1 && found == value;
}

/* Room for several descriptors: a sender that passes more than one is noticed, and its descriptors are closed. */
enum { MAX_DESCRIPTORS = 8 };

ssize_t faas_send(int socket, const void *bytes, size_t count, int descriptor, int waits) {
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (descriptor >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, waits ? MSG_NOSIGNAL : MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

ssize_t faas_receive(int socket, void *bytes, size_t capacity, int *descriptor) {
  struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t received;
  *descriptor = -1;
  do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int received_descriptor;
      memcpy(&received_descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      if (*descriptor < 0) *descriptor = received_descriptor;
      else close(received_descriptor);
    }
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
    return -EPROTO;
  }
  return received;
}

int faas_pidfd_open(pid_t pid) {
  int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
  return descriptor < 0 ? -errno : descriptor;
}

int faas_pidfd_kill(int pidfd, int signal) {
  enum { PROCESS_GROUP = 4 }; /* Linux 6.9. A process that has not made its group yet is alone. */
  if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, PROCESS_GROUP) == 0) return 0;
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int faas_open_event(void) {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

/* Moves a descriptor that was just made. */
static int move(int made, int number) {
  if (made < 0) return -errno;
  if (made == number) return 0;
  int result = dup3(made, number, O_CLOEXEC) < 0 ? -errno : 0;
  close(made);
  return result;
}

int faas_make_event(int number, uint64_t count, int is_semaphore) {
  int made = eventfd(0, EFD_CLOEXEC | (is_semaphore ? EFD_SEMAPHORE : 0));
  if (made >= 0 && count && write(made, &count, sizeof count) < 0) return -errno;
  return move(made, number);
}

int faas_make_epoll(int number, const struct faas_epoll_member *members, int count) {
  int made = epoll_create1(EPOLL_CLOEXEC);
  if (made < 0) return -errno;
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = members[i].events, .data.u64 = members[i].data};
    if (epoll_ctl(made, EPOLL_CTL_ADD, members[i].descriptor, &event) == 0) continue;
    int error = -errno;
    close(made);
    return error;
  }
  return move(made, number);
}

/* A number for a moment: the descriptor table keeps its smallest size below 64. */
enum { TEMPORARY = 40 };

int faas_make_pair(int first, int second, int is_pipe) {
  close(first);
  close(second);
  int made[2], moved[2];
  int result = is_pipe ? pipe2(made, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made);
  if (result < 0) return -errno;
  /* Each may have the number of the other. */
  for (int i = 0; i < 2; i++) moved[i] = fcntl(made[i], F_DUPFD_CLOEXEC, TEMPORARY);
  for (int i = 0; i < 2; i++) close(made[i]);
  int error = move(moved[0], first);
  return error ? error : move(moved[1], second);
}

int faas_is_epoll(int descriptor) {
  struct epoll_event event;
  return epoll_wait(descriptor, &event, 1, 0) >= 0;
}

int faas_is_same_epoll(int first, int second) {
  if (!faas_is_epoll(second)) return 0;
  int member = eventfd(0, EFD_CLOEXEC);
  struct epoll_event event = {.events = 0};
  int is_same = member >= 0 && epoll_ctl(first, EPOLL_CTL_ADD, member, &event) == 0 &&
                epoll_ctl(second, EPOLL_CTL_DEL, member, NULL) == 0;
  /* Closing it takes it out of the first. */
  if (member >= 0) close(member);
  return is_same;
}

/* Status flags belong to the open file, not to the descriptor. */
int faas_is_same_event(int first, int second) {
  int flags = fcntl(first, F_GETFL), others = fcntl(second, F_GETFL);
  if (flags < 0 || others != flags) return 0;
  fcntl(first, F_SETFL, flags ^ O_NONBLOCK);
  int is_same = fcntl(second, F_GETFL) == (flags ^ O_NONBLOCK);
  fcntl(first, F_SETFL, flags);
  return is_same;
}

int faas_is_semaphore(int descriptor, uint64_t count) {
  uint64_t two = 2, taken = 0;
  if (count > UINT32_MAX || write(descriptor, &two, sizeof two) < 0) return 0;
  if (read(descriptor, &taken, sizeof taken) < 0) return 0;
  /* One of the two has been taken from a semaphore, everything from another counter. */
  if (taken == 1) return read(descriptor, &taken, sizeof taken) == sizeof taken;
  if (count && write(descriptor, &count, sizeof count) < 0) return 0;
  return 0;
}

int faas_readable_bytes(int descriptor) {
  int count;
  return ioctl(descriptor, FIONREAD, &count) < 0 ? -errno : count;
}

static struct {
  uint64_t first, second;
} socket_pairs[64];
static unsigned socket_pair_count;

void faas_note_socket_pair(uint64_t first, uint64_t second) {
  unsigned at = socket_pair_count++ % (sizeof socket_pairs / sizeof *socket_pairs);
  socket_pairs[at].first = first;
  socket_pairs[at].second = second;
}

uint64_t faas_peer_of_socket(uint64_t inode) {
  for (unsigned i = 0; i < sizeof socket_pairs / sizeof *socket_pairs; i++) {
    if (socket_pairs[i].first == inode) return socket_pairs[i].second;
    if (socket_pairs[i].second == inode) return socket_pairs[i].first;
  }
  return 0;
}

int faas_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) < 0 ? -errno : 0; }
int faas_set_child_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0; }
int faas_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0; }

int faas_set_thread_stacks(size_t bytes) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error) return -error;
  error = pthread_attr_setstacksize(&attributes, bytes);
  if (!error) error = pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
  return -error;
}

int faas_set_processors(pid_t thread, const uint64_t *bits) {
  return syscall(SYS_sched_setaffinity, thread, FAAS_PROCESSOR_WORDS * sizeof *bits, bits) < 0 ? -errno : 0;
}

int faas_get_processors(pid_t thread, uint64_t *bits) {
  /* The kernel writes only as many words as it has processors. */
  memset(bits, 0, FAAS_PROCESSOR_WORDS * sizeof *bits);
  return syscall(SYS_sched_getaffinity, thread, FAAS_PROCESSOR_WORDS * sizeof *bits, bits) < 0 ? -errno : 0;
}

void faas_read_attributes(struct faas_attributes *attributes) {
  memset(attributes, 0, sizeof *attributes);
  for (int i = 0; i < 16; i++) syscall(SYS_prlimit64, 0, i, NULL, &attributes->limits[i]);
  prctl(PR_GET_NAME, attributes->name, 0, 0, 0);
  attributes->session = (int32_t)syscall(SYS_getsid, 0);
  attributes->group = (int32_t)syscall(SYS_getpgid, 0);
  attributes->policy = (int32_t)syscall(SYS_sched_getscheduler, 0);
  attributes->timer_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  stack_t stack = {0};
  sigaltstack(NULL, &stack);
  attributes->has_signal_stack = !(stack.ss_flags & SS_DISABLE);
}

static int has_note;

long faas_noted_call(long number, long first, long second, long third, long fourth) {
  if (!has_note) has_note = 1;
  return syscall(number, first, second, third, fourth, faas_note_mark);
}

void faas_note_signal(void) { has_note = 2; }

void faas_drop_signals(void) {
  /* A signal that is ignored does not wait. */
  const struct faas_signal_action ignore = {.handler = (unsigned long)SIG_IGN};
  for (int signal = 1; signal <= 31; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    faas_noted_call(SYS_rt_sigaction, signal, (long)&ignore, 0, sizeof ignore.mask);
  }
}

int faas_take_note(void) {
  int had_note = has_note;
  has_note = 0;
  return had_note;
}

/* Not sigaction(3), which hides two signals and uses a mask sixteen times as long. */
static long read_signal_action(int signal, struct faas_signal_action *action) {
  return syscall(SYS_rt_sigaction, signal, NULL, action, sizeof action->mask);
}

void faas_read_signal_actions(struct faas_signal_action *actions) {
  memset(actions, 0, FAAS_SIGNAL_COUNT * sizeof *actions);
  for (int i = 0; i < FAAS_SIGNAL_COUNT; i++) read_signal_action(i + 1, &actions[i]);
}

int faas_restore_signal_actions(const struct faas_signal_action *actions, int count) {
  for (int i = 0; i < count; i++) {
    struct faas_signal_action now = {0};
    if (read_signal_action(i + 1, &now) < 0) return -errno;
    if (memcmp(&now, &actions[i], sizeof now) == 0) continue;
    if (faas_noted_call(SYS_rt_sigaction, i + 1, (long)&actions[i], 0, sizeof now.mask) < 0) return -errno;
  }
  return 0;
}

int faas_sync_file_system(int descriptor) { return syncfs(descriptor) < 0 ? -errno : 0; }

int faas_is_remote_file_system(const char *path) {
  struct statfs status;
  if (statfs(path, &status) < 0) return 0;
  switch ((uint32_t)status.f_type) {
  case 0x6969:     /* NFS */
  case 0x517b:     /* SMB */
  case 0xff534d42: /* CIFS */
  case 0xfe534d42: /* SMB 2 */
  case 0x65735546: /* FUSE, virtiofs */
  case 0x01021997: /* 9P */
  case 0x00c36400: /* Ceph */
  case 0x5346414f: /* AFS */
    return 1;
  default: return 0;
  }
}

int faas_close_range(unsigned int first, unsigned int last) {
  return syscall(SYS_close_range, first, last, 0, 0, faas_note_mark) < 0 ? -errno : 0;
}

int faas_open_child_signals(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0) return -errno;
  int descriptor = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

int faas_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  /* A group of its own: Ctrl-C in a terminal is for the host, which then ends its processes. */
  const short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
  sigset_t all, none;
  int result = posix_spawn_file_actions_init(&actions);
  if (result) return result;
  result = posix_spawnattr_init(&attributes);
  if (result) {
    posix_spawn_file_actions_destroy(&actions);
    return result;
  }
  sigfillset(&all);
  sigemptyset(&none);
  if (!(result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) &&
      !(result = posix_spawn_file_actions_adddup2(&actions, socket, 3)) &&
      !(result = posix_spawn_file_actions_addclosefrom_np(&actions, 4)) &&
      !(result = posix_spawnattr_setsigdefault(&attributes, &all)) &&
      !(result = posix_spawnattr_setsigmask(&attributes, &none)) &&
      !(result = posix_spawnattr_setpgroup(&attributes, 0)) &&
      !(result = posix_spawnattr_setflags(&attributes, flags)))
    result = posix_spawn(pid, path, &actions, &attributes, argv, envp);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return result;
}

/* Clears its own stack frame. Volatile: a compiler may remove writes that are never read. */
__attribute__((noinline)) void faas_clear_dead_stack(void) {
  volatile long dead[(32 << 10) / sizeof(long)];
  for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) dead[i] = 0;
}
