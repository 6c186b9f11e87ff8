/* Stops the other threads of this process, so that their memory can be saved and put back, and lets them go on from
   there. docs/pristine-state.md explains the method. */
#ifndef THREADS_H
#define THREADS_H

#include <stdatomic.h>
#include <stdint.h>

enum {
  /* Threads that a snapshot can contain. */
  MAX_THREADS = 512,
};

/* A thread of the snapshot. */
struct known_thread {
  atomic_int number;            /* the kernel's */
  atomic_int has_stack;         /* a stack for the handler */
  atomic_uint generation;       /* when it was stopped */
  int stack;                    /* which of the stacks that were made for this is its own */
  atomic_uintptr_t frame;       /* where the kernel had saved its registers when the snapshot was taken */
};

/* In memory that is not rewound, zeroed before its first use. */
struct threads {
  atomic_uint generation; /* rises when the stopped threads may go on */
  atomic_int is_stopping;
  atomic_uint stopped;    /* how many of the snapshot's have stopped */
  atomic_int has_failed;
  int phase;
  int main;               /* the thread that stops the others */
  char *stacks;
  int stack_count;
  int count;
  struct known_thread known[MAX_THREADS];
  char entries[8192];
};

/* Installs the signal handler. The sandbox may deny it later. */
void faas_threads_install(void);

/* Each thread is a subfolder of /proc/self/task, and a folder has one link for each subfolder. -1: not known. */
int faas_thread_count(void);

/* Stops all other threads and makes them those of the snapshot. Returns 0, or -errno; then they go on. */
int faas_threads_keep(struct threads *threads);

/* Stops the snapshot's threads and ends all others. Returns 0 if that is impossible: the process must end. */
int faas_threads_stop(struct threads *threads);

/* The stopped threads go on. */
void faas_threads_go_on(struct threads *threads);

#endif
