/* libseccomp compiles the policy to the kernel's program; only Sandbox uses it. */
#ifndef CSECCOMP_H
#define CSECCOMP_H
#include <seccomp.h>
#endif
