/* System calls of the sandbox that Swift cannot make: variadic wrappers, structures that the C library's headers lack,
   and sequences of mounts that form one step. Each returns 0 or a descriptor, or -errno. */
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Landlock. The headers of Debian 12 know only its first version. Returns the kernel's version, or -errno. */
int faas_landlock_version(void);
/* Makes a ruleset that handles these rights: handled rights that are not allowed are denied. Returns a descriptor. */
int faas_landlock_create(uint64_t files, uint64_t network, uint64_t scopes);
/* Allows `rights` below `path`, or on it if it is a file (then only `rights_of_files`). ENOENT if it does not exist. */
int faas_landlock_allow(int ruleset, const char *path, uint64_t rights, uint64_t rights_of_files);
/* Applies the ruleset to the calling thread and to what it starts from now on. It cannot be removed. */
int faas_landlock_restrict(int ruleset);

/* seccomp(2) with a program of `count` instructions, on all threads of the process. glibc has no wrapper. */
int faas_seccomp_load(const void *program, unsigned short count);

/* prctl(2) is variadic, and capset(2) has no header. */
int faas_set_dumpable(int value);
int faas_drop_capabilities(void);
/* The same, but keeps the capability that mounting needs. */
int faas_drop_capabilities_but_mounting(void);
/* Changes to this user and group, without other groups. `keeps_permitted`: permitted capabilities stay permitted. */
int faas_become(uid_t user, gid_t group, int keeps_permitted);
/* Enters a new user namespace, and drops the capabilities that it comes with. The kernel then counts this process and
   what it starts apart from its user's others. Invariant: one thread, and not in a chroot. */
int faas_enter_user_namespace(void);

/* Makes an in-memory root for this process. It contains only `paths`, read-only, and the process's own /proc. Paths
   that do not exist are left out. `empty_folder`: also makes a folder of this name to mount on; may be null. What is
   mounted there would hide paths below it, so these are shown below `shelter` instead, under their whole path.
   Invariant: the process has its own mount namespace, and CAP_SYS_ADMIN in it. */
int faas_enter_private_root(const char *const *paths, const char *empty_folder, const char *shelter);

/* Mounts an in-memory file system of this size on `path`, in a mount namespace of the process's own. It ends with the
   process. Invariant: CAP_SYS_ADMIN, and a private root. */
int faas_mount_temporary_files(const char *path, unsigned long megabytes);
/* Removes everything in the folder, at any depth and with any mode, and restores the folder's own mode and times.
   Allocates no memory. Invariant: nothing else that runs could change it, and it contains no links. */
int faas_empty_folder(const char *path);

/* memfd_create(2), which Swift's Glibc module does not import. */
int faas_memory_file(void);

/* Actions that probes try. Each returns 0 if the kernel permitted it, else -errno. */
int faas_try_socket(void);
int faas_try_signal(pid_t pid);
int faas_try_open(const char *path);
int faas_try_trace(void);
/* Makes the system call of this number with zeros as arguments; and one the way 32-bit programs make it. */
int faas_try_call(long number);
int faas_try_other_architecture(void);

#endif
