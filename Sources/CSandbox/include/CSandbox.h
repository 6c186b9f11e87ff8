/* The system calls of the sandbox that Swift cannot make: variadic wrappers, structures whose headers the C library lacks, and
   sequences of mounts that are one step. Each returns 0 or a descriptor, or -errno. */
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Landlock. The headers of Debian 12 know only its first version. Returns the kernel's version, or -errno. */
int faas_landlock_version(void);
/* A ruleset that handles these rights: all that is handled and not allowed is denied. Returns a descriptor. */
int faas_landlock_create(uint64_t files, uint64_t network, uint64_t scopes);
/* Allows `rights` below `path`, or on it if it is a file (then without those for folders). ENOENT if there is none. */
int faas_landlock_allow(int ruleset, const char *path, uint64_t rights, uint64_t rights_of_files);
/* Puts the calling thread, and what it starts from now on, under the ruleset. For ever. */
int faas_landlock_restrict(int ruleset);

/* seccomp(2) with a program of `count` instructions, on all threads of the process. glibc has no wrapper. */
int faas_seccomp_load(const void *program, unsigned short count);

/* prctl(2) and capset(2): variadic, and without a header. */
int faas_set_dumpable(int value);
int faas_drop_capabilities(void);
/* The same, but for the one that mounting takes. */
int faas_drop_capabilities_but_mounting(void);
/* Becomes this user and group, with no other groups. With `keeps_permitted`, what it may do stays permitted to it. */
int faas_become(uid_t user, gid_t group, int keeps_permitted);

/* Makes a folder tree in memory with nothing in it but `paths`, read only, and the process's own /proc, the root of this process.
   Invariant: the process has a mount namespace of its own, and CAP_SYS_ADMIN in it. Paths that do not exist are left out.
   `empty_folder`: makes one of this name, for something to be mounted on; may be null. */
int faas_enter_private_root(const char *const *paths, const char *empty_folder);

/* Mounts a file system in memory of this size on `path`, in a mount namespace of the process's own. It ends with the process.
   Invariant: CAP_SYS_ADMIN, and a private root. */
int faas_mount_temporary_files(const char *path, unsigned long megabytes);
/* Removes everything in the folder, however deep and whatever rights it has, and puts back the folder's own mode and times.
   Needs no memory. Invariant: nothing else runs that could change it, and there are no links in it. */
int faas_empty_folder(const char *path);

/* memfd_create(2), which Swift's Glibc module does not import. */
int faas_memory_file(void);

/* What probes try. Each returns 0 if the kernel did it, else -errno. */
int faas_try_socket(void);
int faas_try_signal(pid_t pid);
int faas_try_open(const char *path);
int faas_try_trace(void);
/* The system call of this number, with zeros. And one by the way that 32-bit programs take. */
int faas_try_call(long number);
int faas_try_other_architecture(void);

#endif
