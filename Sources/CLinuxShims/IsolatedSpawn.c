#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  NAMESPACES =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
  SOCKET = 3,
  ERROR = 4,
};

/* Runs in the new process, a copy of one thread of a host with many, so it may only make system calls. */
__attribute__((noreturn)) static void start(
    const char *path, char *const argv[], char *const envp[], int socket, int go, int error) {
  char byte;
  int code = 0;
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigset_t none;
  sigemptyset(&none);
  /* Wait until the host has mapped our user into the new namespace. */
  if (read(go, &byte, 1) != 1) _exit(127);
  for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  /* A group of its own: Ctrl-C in a terminal is for the host, which then ends its processes. */
  setpgid(0, 0);
  sethostname("function", 8);
  int null = open("/dev/null", O_RDONLY);
  /* Both descriptors may have any number: move them away from the numbers that they get below. */
  socket = fcntl(socket, F_DUPFD, 10);
  error = fcntl(error, F_DUPFD, 10);
  if (null < 0 || socket < 0 || error < 0) code = errno;
  else if (dup2(null, 0) < 0 || dup2(socket, SOCKET) < 0 || dup3(error, ERROR, O_CLOEXEC) < 0) code = errno;
  else if (syscall(SYS_close_range, ERROR + 1, ~0U, 0) < 0) code = errno;
  /* Mounts made here are not visible outside. */
  else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) code = errno;
  /* Pids differ in this namespace: with the old /proc, engines would read other processes' files. hidepid: workers do
     not see each other. */
  else if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0) code = errno;
  else if (execve(path, argv, envp) < 0) code = errno;
  /* The host's end may be closed. Then only the exit code reports the failure. */
  if (write(ERROR, &code, sizeof code) < 0) _exit(126);
  _exit(127);
}

static int write_file(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  int failed = write(file, text, strlen(text)) < 0 ? -errno : 0;
  close(file);
  return failed;
}

/* Root of the new namespace is this user outside. If this user is root, the user 'nobody' is mapped too. words-ok */
static int map_users(pid_t pid) {
  char users[64], groups[64];
  if (geteuid() == 0) {
    snprintf(users, sizeof users, "0 0 1\n%d %d 1\n", FAAS_NOBODY, FAAS_NOBODY);
    if (write_file(pid, "gid_map", users) == 0 && write_file(pid, "uid_map", users) == 0) return 0;
  }
  snprintf(users, sizeof users, "0 %u 1\n", geteuid());
  snprintf(groups, sizeof groups, "0 %u 1\n", getegid());
  int error = write_file(pid, "setgroups", "deny");
  if (!error) error = write_file(pid, "gid_map", groups);
  return error ? error : write_file(pid, "uid_map", users);
}

int faas_spawn_isolated(pid_t *pid, const char *path, char *const argv[], char *const envp[], int socket) {
  int go[2], error[2];
  if (pipe2(go, O_CLOEXEC) < 0) return errno;
  if (pipe2(error, O_CLOEXEC) < 0) {
    int code = errno;
    close(go[0]);
    close(go[1]);
    return code;
  }
  /* The host's signal handlers must not run in the copy. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t child = (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
  int code = child < 0 ? errno : 0;
  if (child == 0) {
    close(go[1]);
    start(path, argv, envp, socket, go[0], error[1]);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(go[0]);
  close(error[1]);
  if (!code) {
    code = -map_users(child);
    if (!code && write(go[1], "", 1) != 1) code = errno;
    close(go[1]);
    ssize_t count = 0;
    if (!code) {
      do count = read(error[0], &code, sizeof code);
      while (count < 0 && errno == EINTR);
    }
    if (code) {
      kill(child, SIGKILL);
      while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
  } else {
    close(go[1]);
  }
  close(error[0]);
  if (!code) *pid = child;
  return code;
}
