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
/* Becomes this user and group, with no other groups. */
int faas_become(uid_t user, gid_t group);

/* Makes a folder tree in memory with nothing in it but `paths`, read only, and the process's own /proc, the root of this process.
   Invariant: the process has a mount namespace of its own, and CAP_SYS_ADMIN in it. Paths that do not exist are left out. */
int faas_enter_private_root(const char *const *paths);

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
