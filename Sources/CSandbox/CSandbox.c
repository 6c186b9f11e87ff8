#define _GNU_SOURCE
#include "CSandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(long value) { return value < 0 ? -errno : (int)value; }

/* MARK: Landlock, as in the kernel's uapi/linux/landlock.h */

enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446 };
enum { LANDLOCK_VERSION_FLAG = 1, LANDLOCK_PATH = 1 };
struct landlock_ruleset {
  uint64_t files, network, scopes;
};
struct landlock_path {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

int faas_landlock_version(void) { return result(syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG)); }

int faas_landlock_create(uint64_t files, uint64_t network, uint64_t scopes) {
  struct landlock_ruleset ruleset = {files, network, scopes};
  /* An older kernel accepts a longer structure if the fields that it does not know are zero. */
  return result(syscall(LANDLOCK_CREATE, &ruleset, sizeof ruleset, 0));
}

int faas_landlock_allow(int ruleset, const char *path, uint64_t rights, uint64_t rights_of_files) {
  int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) return -errno;
  struct stat info;
  struct landlock_path rule = {rights, place};
  if (fstat(place, &info) == 0 && !S_ISDIR(info.st_mode)) rule.allowed &= rights_of_files;
  int answer = result(syscall(LANDLOCK_ADD, ruleset, LANDLOCK_PATH, &rule, 0));
  close(place);
  return answer;
}

int faas_landlock_restrict(int ruleset) { return result(syscall(LANDLOCK_RESTRICT, ruleset, 0)); }

/* MARK: seccomp, privileges */

int faas_seccomp_load(const void *program, unsigned short count) {
  struct sock_fprog code = {.len = count, .filter = (struct sock_filter *)program};
  long answer = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &code);
  /* A positive result is the number of a thread that could not be put under the filter. */
  return answer > 0 ? -EBUSY : result(answer);
}

int faas_set_dumpable(int value) { return result(prctl(PR_SET_DUMPABLE, value, 0, 0, 0)); }

static int keep_capabilities(uint32_t kept) {
  for (int capability = 0; capability <= 63; capability++) {
    /* EINVAL: this kernel has no further capabilities. EPERM: it cannot be gained either, so it need not be dropped. */
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno == EINVAL) break;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct capabilities[2] = {{.effective = kept, .permitted = kept}};
  return result(syscall(SYS_capset, &header, capabilities));
}

int faas_drop_capabilities(void) { return keep_capabilities(0); }
int faas_drop_capabilities_but_mounting(void) { return keep_capabilities(1u << CAP_SYS_ADMIN); }

int faas_become(uid_t user, gid_t group, int keeps_permitted) {
  if (prctl(PR_SET_KEEPCAPS, keeps_permitted, 0, 0, 0) < 0) return -errno;
  if (setgroups(0, NULL) < 0 && errno != EPERM) return -errno;
  if (setresgid(group, group, group) < 0) return -errno;
  return result(setresuid(user, user, user));
}

int faas_enter_user_namespace(void) {
  if (unshare(CLONE_NEWUSER) < 0) return -errno;
  return faas_drop_capabilities();
}

/* MARK: The private root */

struct mount_attributes {
  uint64_t set, clear, propagation, user_namespace;
};
enum { SYS_MOUNT_SETATTR = 442, READ_ONLY = 1, NO_SUID = 2, NO_DEVICES = 4, NO_EXECUTION = 8, RECURSIVE = 0x8000 };

static int restrict_mount(const char *path, uint64_t attributes, unsigned flags) {
  struct mount_attributes change = {.set = attributes};
  return result(syscall(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, &change, sizeof change));
}

/* Makes the folders above `path`. */
static int make_parents(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    int failed = mkdir(path, 0755) < 0 && errno != EEXIST;
    *slash = '/';
    if (failed) return -errno;
  }
  return 0;
}

/* A file or folder of the old root. It is opened before the new root hides it. */
struct place {
  mode_t mode; /* 0: there is none */
  int file;
  char path[PATH_MAX];
  char link[PATH_MAX];
};

static int find(struct place *place, const char *path) {
  struct stat info;
  place->mode = 0;
  if (lstat(path, &info) < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
  /* A path through links is shown at its real place. A path that is a link itself is shown as that link. */
  if (S_ISLNK(info.st_mode)) {
    if (snprintf(place->path, sizeof place->path, "%s", path) >= (int)sizeof place->path) return -ENAMETOOLONG;
    ssize_t length = readlink(path, place->link, sizeof place->link - 1);
    if (length < 0) return -errno;
    place->link[length] = 0;
  } else {
    if (!realpath(path, place->path)) return -errno;
    place->file = open(path, O_PATH | O_CLOEXEC);
    if (place->file < 0) return -errno;
  }
  place->mode = info.st_mode;
  return 0;
}

static int is_below(const char *path, const char *folder) {
  const size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Makes the place visible under the new root, below `shelter` there. */
static int show(const char *root, const char *shelter, const struct place *place) {
  char target[PATH_MAX], source[32];
  if (!place->mode) return 0;
  if (snprintf(target, sizeof target, "%s%s%s", root, shelter, place->path) >= (int)sizeof target) return -ENAMETOOLONG;
  int error = make_parents(target);
  if (error) return error;
  if (S_ISLNK(place->mode)) return symlink(place->link, target) < 0 && errno != EEXIST ? -errno : 0;
  struct stat info = {.st_mode = place->mode};
  if (S_ISDIR(info.st_mode)) {
    if (mkdir(target, 0755) < 0 && errno != EEXIST) return -errno;
  } else {
    int file = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) return -errno;
    close(file);
  }
  snprintf(source, sizeof source, "/proc/self/fd/%d", place->file);
  if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0) return -errno;
  /* Read-only does not stop writing to a device; it stops changing the device file's times and mode. */
  if (S_ISCHR(info.st_mode)) return restrict_mount(target, READ_ONLY | NO_SUID, 0);
  return restrict_mount(target, READ_ONLY | NO_SUID | NO_DEVICES, RECURSIVE);
}

int faas_enter_private_root(const char *const *paths, const char *empty_folder, const char *shelter) {
  static const char root[] = "/tmp"; /* There on every system; what is in it is hidden, and later gone. */
  size_t count = 0;
  while (paths[count]) count++;
  struct place *places = calloc(count ? count : 1, sizeof *places);
  if (!places) return -ENOMEM;
  int error = 0;
  for (size_t i = 0; i < count && !error; i++) error = find(&places[i], paths[i]);
  if (!error && mount("none", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=256,mode=0755") < 0)
    error = -errno;
  for (size_t i = 0; i < count && !error; i++)
    error = show(root, empty_folder && is_below(places[i].path, empty_folder) ? shelter : "", &places[i]);
  for (size_t i = 0; i < count; i++)
    if (places[i].mode && !S_ISLNK(places[i].mode)) close(places[i].file);
  free(places);
  if (error) return error;
  if (empty_folder) {
    char target[PATH_MAX];
    if (snprintf(target, sizeof target, "%s%s", root, empty_folder) >= (int)sizeof target) return -ENAMETOOLONG;
    if (mkdir(target, 0700) < 0 && errno != EEXIST) return -errno;
  }
  char proc[] = "/tmp/proc";
  if (mkdir(proc, 0555) < 0) return -errno;
  if (mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL) < 0) return -errno;
  /* If the host is not root, a worker owns its files in /proc, and a call could change their times for later calls. */
  if ((error = restrict_mount(proc, READ_ONLY | NO_SUID | NO_DEVICES | NO_EXECUTION, RECURSIVE))) return error;
  if (chdir(root) < 0) return -errno;
  /* pivot_root stacks the old root on top of the new one. It is unmounted from there. */
  if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
  if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) return -errno;
  return restrict_mount("/", READ_ONLY | NO_SUID | NO_DEVICES | NO_EXECUTION, 0);
}

/* MARK: Temporary files */

int faas_mount_temporary_files(const char *path, unsigned long megabytes) {
  char options[96];
  /* The kernel needs about a kilobyte for each file and folder, which does not count as size. */
  snprintf(options, sizeof options, "size=%lum,nr_inodes=%lu,mode=0700", megabytes, 1024 + 16 * megabytes);
  /* Mounted at the same path as in other workers, but visible in this one only. */
  if (unshare(CLONE_NEWNS) < 0) return -errno;
  return result(mount("none", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options));
}

/* Opens a folder even if its mode denies that to its owner. */
static int enter(int parent, const char *name) {
  if (fchmodat(parent, name, 0700, 0) < 0) return -errno;
  return result(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* Removes the folder's entries up to the first folder that is not empty, whose name it copies to `full`. Returns 1 if
   there is such a folder, 0 if this folder is now empty. */
static int remove_entries(int folder, char *full) {
  _Alignas(struct dirent64) char entries[4096];
  for (;;) {
    if (lseek(folder, 0, SEEK_SET) < 0) return -errno;
    long count = syscall(SYS_getdents64, folder, entries, sizeof entries);
    if (count < 0) return -errno;
    int found = 0;
    for (long at = 0; at < count;) {
      const struct dirent64 *entry = (const struct dirent64 *)(entries + at);
      at += entry->d_reclen;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      found = 1;
      if (unlinkat(folder, entry->d_name, 0) == 0) continue;
      if (errno != EISDIR) return -errno;
      if (unlinkat(folder, entry->d_name, AT_REMOVEDIR) == 0) continue;
      if (errno != ENOTEMPTY) return -errno;
      strcpy(full, entry->d_name); /* At most NAME_MAX: the kernel has no longer ones. */
      return 1;
    }
    if (!found) return 0;
  }
}

int faas_empty_folder(const char *path) {
  char name[NAME_MAX + 1];
  long depth = 0;
  int folder = enter(AT_FDCWD, path);
  /* Uses one descriptor at a time and no recursion: a tree may be deeper than the limit of either. */
  while (folder >= 0) {
    int answer = remove_entries(folder, name);
    if (answer == 0 && depth == 0) {
      const struct timespec times[2] = {{0}};
      answer = result(futimens(folder, times));
      close(folder);
      return answer;
    }
    int next = answer < 0 ? answer
               : answer   ? enter(folder, name)
                          : result(openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    depth += answer ? 1 : -1;
    close(folder);
    folder = next;
  }
  return folder;
}

int faas_memory_file(void) { return result(syscall(SYS_memfd_create, "policy", 1 /* MFD_CLOEXEC */)); }

/* MARK: Probes */

static int close_opened(int descriptor) {
  if (descriptor < 0) return -errno;
  close(descriptor);
  return 0;
}

int faas_try_socket(void) { return close_opened(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
int faas_try_signal(pid_t pid) { return result(kill(pid, 0)); }
int faas_try_open(const char *path) { return close_opened(open(path, O_RDONLY | O_CLOEXEC)); }
int faas_try_trace(void) { return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL)); }

int faas_try_call(long number) { return result(syscall(number, 0, 0, 0, 0, 0, 0)); }

int faas_try_other_architecture(void) {
#if defined(__x86_64__)
  long answer = 20; /* getpid, as 32-bit programs ask for it */
  __asm__ volatile("int $0x80" : "+a"(answer) : : "memory", "r8", "r9", "r10", "r11");
  return answer < 0 ? (int)answer : 0;
#else
  return -ENOSYS;
#endif
}
