/* See CNotedCalls.h. */
#define _GNU_SOURCE
#include "CNotedCalls.h"

#include <CLinuxShims.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* The C library uses the first two signals of its own for its threads, and lets nobody have them. */
enum { FIRST_OWN_SIGNAL = 32, LAST_OWN_SIGNAL = 33 };

#ifdef __x86_64__
/* What a signal handler returns to: the C library's own is hidden. The bytes are those by which unwinders know a signal's frame. */
enum { RESTORER_FLAG = 0x04000000 };
void faas_signal_return(void);
__asm__(".text\n.type faas_signal_return, @function\n.hidden faas_signal_return\nfaas_signal_return:\n"
        "mov $15, %rax\nsyscall\n.size faas_signal_return, . - faas_signal_return");
#endif

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
#ifdef __x86_64__
    to.flags |= RESTORER_FLAG;
    to.restorer = (unsigned long)faas_signal_return;
#endif
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

int setitimer(__itimer_which_t timer, const struct itimerval *restrict new, struct itimerval *restrict old) {
  return (int)faas_noted_call(SYS_setitimer, (long)timer, (long)new, (long)old, 0);
}

unsigned int alarm(unsigned int seconds) {
  struct itimerval new = {.it_value.tv_sec = seconds}, old;
  if (setitimer(ITIMER_REAL, &new, &old) < 0) return 0;
  /* Less than a second is not nothing. */
  return (unsigned int)old.it_value.tv_sec + (old.it_value.tv_usec >= 500000 || (!old.it_value.tv_sec && old.it_value.tv_usec));
}

mode_t umask(mode_t mask) { return (mode_t)faas_noted_call(SYS_umask, mask, 0, 0, 0); }
int chdir(const char *path) { return (int)faas_noted_call(SYS_chdir, (long)path, 0, 0, 0); }
int fchdir(int descriptor) { return (int)faas_noted_call(SYS_fchdir, descriptor, 0, 0, 0); }
