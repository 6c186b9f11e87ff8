#define _GNU_SOURCE
#include "CMemoryRewind.h"
#include "Threads.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  PAGE = 4096,
  MAX_SPANS = 2048,        /* mappings of one process; a worker has about 200 */
  MAX_RUNS = 16384,        /* runs of dirty or saved pages */
  MAPS_CAPACITY = 1 << 20, /* bytes of /proc/self/maps */
  /* Pages between two runs are saved too if that saves a mapping. The zygote's image exists once, and each fork copies
     its mappings, so it should have few. A snapshot belongs to one worker and is never forked, so it should be small.
     */
  BASE_GAP = 16,
  MAX_SNAPSHOT_RUNS = 512,
  /* Above this many dirty pages, dropping them is cheaper than keeping private copies for calls that write to few. */
  MAX_KEPT_PAGES = 4096,
  /* After so many rewinds the set of dirty pages is dropped once, so that one unusual call does not slow all later
     ones. */
  FORGET_INTERVAL = 4096,
};

/* Linux 6.7's interface to the page table, declared here because Debian 12's headers lack it. */
struct page_region {
  uint64_t start, end, categories;
};
struct pm_scan_arg {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)
enum { IS_FILE = 1 << 2, IS_PRESENT = 1 << 3, IS_SWAPPED = 1 << 4, IS_ZERO_PAGE = 1 << 5 };

struct span {
  uintptr_t start, end;
  uint64_t offset, inode; /* what is mapped there: nothing has inode 0 */
  int protection;
  int is_private, is_writable, is_file, is_stack, is_special;
};

struct run {
  uintptr_t at;
  size_t size;
  const char *saved; /* null: the page was untouched memory, which is zero */
  int is_code;       /* it may be executed: a JIT compiler's */
};

/* A file with the content of some runs of this process's memory. It is mapped privately in their place. */
struct image {
  uint64_t inode;
  const char *view; /* of the whole file, read-only */
  size_t size;
};

/* The rewinder's whole state. In a shared mapping, because it restores private memory. */
struct rewinder {
  struct faas_rewind_counters counters;
  int pagemap, statm;
  int has_scan; /* PAGEMAP_SCAN works; else /proc/self/pagemap is read */
  long faults;
  long mapped_pages;
  uintptr_t program_break;
  int may_have_children;
  /* All other threads have been stopped since the last invocation. */
  int are_stopped;
  struct threads threads;
  struct image snapshot;
  /* The mappings right after the snapshot. A rewind makes them the same again. */
  struct span baseline[MAX_SPANS];
  int baseline_count;
  struct span current[MAX_SPANS];
  int current_count;
  /* The runs of the image that is being made, sorted by address. */
  struct run saved[MAX_RUNS];
  int saved_count;
  /* The dirty pages of the last rewind. They are the same again if no new page was touched. */
  struct run dirty[MAX_RUNS];
  int dirty_count;
  struct page_region found[MAX_RUNS];
  char text[MAPS_CAPACITY];
  uint64_t entries[1 << 16]; /* of /proc/self/pagemap, where PAGEMAP_SCAN is missing */
};

/* The pointer is set before the snapshot, so a rewind does not change it. */
static struct rewinder *R;

/* The image that the zygote made of itself before it forked this process. All its forks share the image's pages. */
static struct image base;

const struct faas_rewind_counters *faas_rewind_counters(void) { return R ? &R->counters : NULL; }

/* Exact for one thread: the first write to a clean page always changes this count, even if the kernel writes. */
static long fault_count(void) {
  struct rusage own, children = {0};
  syscall(SYS_getrusage, RUSAGE_SELF, &own);
  /* A child made by vfork writes to this memory, but its faults are counted for the child. */
  if (R->may_have_children) syscall(SYS_getrusage, RUSAGE_CHILDREN, &children);
  return own.ru_minflt + own.ru_majflt + children.ru_minflt + children.ru_majflt;
}

/* The first number in /proc/self/statm: the size of all mappings, in pages. -1 if it cannot be read. */
static long mapped_pages(void) {
  char text[64];
  ssize_t count = pread(R->statm, text, sizeof text - 1, 0);
  if (count <= 0) return -1;
  long pages = 0;
  for (ssize_t i = 0; i < count && text[i] >= '0' && text[i] <= '9'; i++) pages = pages * 10 + (text[i] - '0');
  return pages;
}

/* Whether this is the only thread. A thread that was just joined may take a moment to disappear. */
static int is_single_threaded(void) {
  for (int attempt = 0; attempt < 100; attempt++) {
    int count = faas_thread_count();
    if (count <= 1) return count == 1;
    struct timespec moment = {.tv_nsec = 50000};
    nanosleep(&moment, NULL);
  }
  return 0;
}

static uintptr_t program_break(void) { return (uintptr_t)syscall(SYS_brk, 0); }

/* MARK: Mappings */

static uintptr_t read_hex(const char **text) {
  uintptr_t value = 0;
  for (;; (*text)++) {
    char c = **text;
    if (c >= '0' && c <= '9') value = value << 4 | (uintptr_t)(c - '0');
    else if (c >= 'a' && c <= 'f') value = value << 4 | (uintptr_t)(c - 'a' + 10);
    else return value;
  }
}

/* The beginning of the next field. Fields end at a space. */
static const char *next_field(const char *line) {
  while (*line != ' ' && *line != '\n') line++;
  while (*line == ' ') line++;
  return line;
}

/* Reads /proc/self/maps without allocating memory. Returns the number of mappings, or -errno. */
static int read_mappings(struct span *spans) {
  int is_open = lseek(FAAS_REWIND_MAPS, 0, SEEK_SET) == 0;
  int descriptor = is_open ? FAAS_REWIND_MAPS : open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  size_t length = 0;
  for (;;) {
    ssize_t count = read(descriptor, R->text + length, MAPS_CAPACITY - 1 - length);
    if (count <= 0) break;
    length += (size_t)count;
  }
  if (!is_open) close(descriptor);
  if (length >= MAPS_CAPACITY - 1) return -ENOMEM;
  R->text[length] = 0;
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  int count = 0;
  for (const char *line = R->text; *line;) {
    if (count == MAX_SPANS) return -ENOMEM;
    struct span *span = &spans[count++];
    memset(span, 0, sizeof *span);
    span->start = read_hex(&line);
    line++;
    span->end = read_hex(&line);
    line++; /* "rwxp offset device inode path" */
    span->is_writable = line[1] == 'w';
    span->is_private = line[3] == 'p';
    span->protection =
        (line[0] == 'r' ? PROT_READ : 0) | (line[1] == 'w' ? PROT_WRITE : 0) | (line[2] == 'x' ? PROT_EXEC : 0);
    line = next_field(line);
    span->offset = read_hex(&line);
    line = next_field(next_field(line)); /* the device */
    while (*line >= '0' && *line <= '9') span->inode = span->inode * 10 + (uint64_t)(*line++ - '0');
    while (*line == ' ') line++;
    /* Now `line` is at the path, or at the end of the line. */
    span->is_file = *line == '/';
    span->is_special = strncmp(line, "[v", 2) == 0; /* [vdso], [vvar], [vsyscall] */
    span->is_stack = strncmp(line, "[stack]", 7) == 0 || (span->start <= here && here < span->end);
    while (*line && *line != '\n') line++;
    if (*line) line++;
  }
  return count;
}

static int is_of(const struct span *span, const struct image *image) {
  return image->view && span->inode == image->inode;
}

static int is_rewound(const struct span *span) {
  return span->is_private && span->is_writable && !span->is_stack && !span->is_special;
}

/* MARK: Pages */

/* Finds the private pages in [start, end): present or swapped, not of a file, not the zero page. Appends their runs to
   R->found from index `count`. Returns the new count, or -errno. */
static int find_private_pages(uintptr_t start, uintptr_t end, int count) {
  if (R->has_scan) {
    struct pm_scan_arg scan = {
        .size = sizeof scan,
        .start = start,
        .end = end,
        .vec = (uintptr_t)&R->found[count],
        .vec_len = (uint64_t)(MAX_RUNS - count),
        .category_inverted = IS_FILE | IS_ZERO_PAGE,
        .category_mask = IS_FILE | IS_ZERO_PAGE,
        .category_anyof_mask = IS_PRESENT | IS_SWAPPED,
        .return_mask = IS_PRESENT,
    };
    int more = (int)syscall(SYS_ioctl, R->pagemap, PAGEMAP_SCAN, &scan);
    if (more < 0) return -errno;
    /* One scan finds everything unless the array is full. Its `walk_end` does not tell: a kernel that collected more
       than 511 runs leaves a place in the middle there although it went on to the end (seen with 6.18). */
    return count + more < MAX_RUNS ? count + more : -ENOMEM;
  }
  int first = count;
  while (start < end) {
    size_t pages = (end - start) / PAGE;
    if (pages > sizeof R->entries / sizeof *R->entries) pages = sizeof R->entries / sizeof *R->entries;
    off_t offset = (off_t)(start / PAGE * sizeof *R->entries);
    ssize_t bytes = pread(R->pagemap, R->entries, pages * sizeof *R->entries, offset);
    if (bytes <= 0) return -EIO;
    pages = (size_t)bytes / sizeof *R->entries;
    for (size_t i = 0; i < pages; i++, start += PAGE) {
      int is_present = (int)(R->entries[i] >> 62) != 0; /* bit 63 present, bit 62 swapped */
      int is_file = (int)(R->entries[i] >> 61) & 1;
      if (!is_present || is_file) continue;
      if (count > first && R->found[count - 1].end == start) {
        R->found[count - 1].end += PAGE;
      } else {
        if (count == MAX_RUNS) return -ENOMEM;
        R->found[count].start = start;
        R->found[count].end = start + PAGE;
        count++;
      }
    }
  }
  return count;
}

/* MARK: The snapshot */

/* Chooses the pages to save: every private page, and all writable data of files. Then the content of all other pages is
   known: zero, or the zygote's image. Runs of one mapping with at most `gap` pages between them are joined. */
static int choose_runs(size_t gap) {
  int count = 0;
  for (int i = 0; i < R->current_count; i++) {
    const struct span *span = &R->current[i];
    if (!is_rewound(span)) continue;
    int found = 0;
    if (span->is_file && !is_of(span, &base)) {
      R->found[0].start = span->start;
      R->found[0].end = span->end;
      found = 1;
    } else {
      found = find_private_pages(span->start, span->end, 0);
      if (found < 0) return found;
    }
    int first = count;
    for (int k = 0; k < found; k++) {
      uintptr_t start = R->found[k].start, end = R->found[k].end;
      if (count > first && start - (R->saved[count - 1].at + R->saved[count - 1].size) <= gap * PAGE) {
        R->saved[count - 1].size = end - R->saved[count - 1].at;
        continue;
      }
      if (count == MAX_RUNS) return -ENOMEM;
      R->saved[count].at = start;
      R->saved[count].size = end - start;
      count++;
    }
  }
  R->saved_count = count;
  return 0;
}

static int protection_at(uintptr_t address) {
  for (int i = 0; i < R->current_count; i++) {
    if (R->current[i].start <= address && address < R->current[i].end) return R->current[i].protection;
  }
  return PROT_READ | PROT_WRITE;
}

/* Writes one run to the file and maps the file's pages privately in its place. Between these two steps nothing may
   write to the run, which may contain the C library's data: only system calls that succeed, and variables on the stack
   or in R. */
static int save_run(int file, const struct run *run, off_t offset, int protection) {
  size_t written = 0;
  while (written < run->size) {
    ssize_t count = pwrite(file, (const char *)run->at + written, run->size - written, offset + (off_t)written);
    if (count <= 0) return -EIO;
    written += (size_t)count;
  }
  void *mapped = mmap((void *)run->at, run->size, protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, offset);
  return mapped == MAP_FAILED ? -errno : 0;
}

/* The worker may have opened the file already, before its sandbox closed /proc. */
static int open_as(const char *path, int number) {
  if (fcntl(number, F_GETFD) >= 0) return number;
  int opened = open(path, O_RDONLY | O_CLOEXEC);
  if (opened < 0) return -errno;
  int result = dup3(opened, number, O_CLOEXEC);
  int error = errno;
  close(opened);
  return result < 0 ? -error : result;
}

static int make_file(const char *name) {
  int file = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return file < 0 ? -errno : file;
}

/* Saves the chosen runs in a file and maps it in their place: the file that was made before the guest ran, if it is
   still there, else a new one. The file cannot be written afterwards: it is sealed, and all its mappings are
   private. */
static int make_image(struct image *image, const char *name) {
  size_t total = 0;
  for (int i = 0; i < R->saved_count; i++) total += R->saved[i].size;
  /* Adding no seal succeeds only for a file that can be sealed, and has not been. */
  int has_file = fcntl(FAAS_REWIND_IMAGE, F_ADD_SEALS, 0) == 0;
  int file = has_file ? FAAS_REWIND_IMAGE : make_file(name);
  if (file < 0) return file;
  struct stat info;
  char *view = MAP_FAILED;
  if (fstat(file, &info) == 0 && ftruncate(file, (off_t)total) == 0) {
    view = mmap(NULL, total, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  }
  if (view == MAP_FAILED) {
    int error = -errno;
    if (!has_file) close(file);
    return error;
  }
  /* If a step below fails, some runs are mapped from the file with the same content: the process still works. */
  size_t offset = 0;
  int error = 0;
  for (int i = 0; i < R->saved_count && !error; i++) {
    error = save_run(file, &R->saved[i], (off_t)offset, protection_at(R->saved[i].at));
    offset += R->saved[i].size;
  }
  if (!error && fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) error = -errno;
  /* The mappings keep it. A snapshot's descriptor stays, to map again what a call has unmapped. */
  if (!has_file) close(file);
  if (error) return error;
  *image = (struct image){.inode = info.st_ino, .view = view, .size = total};
  return 0;
}

/* Reads this process's mappings and pages, and chooses runs for an image: at most `max_runs` if gaps of up to 4 MB
   permit. */
static int look(int pagemap, size_t gap, int max_runs) {
  R->pagemap = open_as("/proc/self/pagemap", pagemap);
  if (R->pagemap < 0) return R->pagemap;
  struct pm_scan_arg probe = {
      .size = sizeof probe, .vec = (uintptr_t)R->found, .vec_len = 1, .return_mask = IS_PRESENT};
  R->has_scan = syscall(SYS_ioctl, R->pagemap, PAGEMAP_SCAN, &probe) >= 0;
  R->current_count = read_mappings(R->current);
  if (R->current_count < 0) return R->current_count;
  int error;
  do {
    error = choose_runs(gap);
    gap = 2 * gap + 1;
  } while ((error == -ENOMEM || R->saved_count > max_runs) && gap < 1024);
  return error;
}

static int take_snapshot(void) {
  int error = look(FAAS_REWIND_PAGEMAP, 0, MAX_SNAPSHOT_RUNS);
  if (error) return error;
  R->statm = open_as("/proc/self/statm", FAAS_REWIND_STATM);
  if (R->statm < 0) return R->statm;
  if ((error = make_image(&R->snapshot, "snapshot"))) return error;
  R->baseline_count = read_mappings(R->baseline);
  if (R->baseline_count < 0) return R->baseline_count;
  R->counters.saved_pages = R->snapshot.size / PAGE;
  R->program_break = program_break();
  R->mapped_pages = mapped_pages();
  R->dirty_count = 0;
  R->faults = -1; /* The first time, look. */
  return 0;
}

/* MARK: Going back */

/* Maps a part of what was mapped at the snapshot again, with the snapshot's content. Returns 1 on success. */
static int map_again(const struct span *was, uintptr_t start, uintptr_t end) {
  if (!is_rewound(was) && (was->inode || !was->is_private || was->protection != PROT_NONE)) return 0;
  int file = -1, flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  off_t offset = 0;
  if (is_of(was, &R->snapshot)) {
    struct stat info;
    /* The guest can give the descriptor's number to another file. */
    if (syscall(SYS_fstat, FAAS_REWIND_IMAGE, &info) || info.st_ino != R->snapshot.inode) return 0;
    file = FAAS_REWIND_IMAGE;
    offset = (off_t)(was->offset + (start - was->start));
  } else if (was->inode) {
    return 0;
  } else {
    flags |= MAP_ANONYMOUS;
  }
  return syscall(SYS_mmap, start, end - start, was->protection, flags, file, offset) == (long)start;
}

/* Maps again what a call has unmapped. Returns 1 on success. */
static int fill_gaps(void) {
  R->current_count = read_mappings(R->current);
  if (R->current_count < 0) return 0;
  int c = 0;
  for (int b = 0; b < R->baseline_count; b++) {
    const struct span *was = &R->baseline[b];
    uintptr_t start = was->start;
    if (was->is_stack) continue;
    while (start < was->end) {
      while (c < R->current_count && R->current[c].end <= start) c++;
      uintptr_t next = c < R->current_count ? R->current[c].start : UINTPTR_MAX;
      if (next <= start) {
        start = R->current[c].end;
        continue;
      }
      uintptr_t until = next < was->end ? next : was->end;
      if (!map_again(was, start, until)) return 0;
      start = until;
    }
  }
  return 1;
}

/* How many pages the stack has grown by: it does so by itself, and is not put back. */
static long stack_growth(void) {
  long grown = 0;
  for (int i = 0; i < R->current_count; i++) {
    if (R->current[i].is_stack) grown += (long)((R->current[i].end - R->current[i].start) / PAGE);
  }
  for (int i = 0; i < R->baseline_count; i++) {
    if (R->baseline[i].is_stack) grown -= (long)((R->baseline[i].end - R->baseline[i].start) / PAGE);
  }
  return grown;
}

/* Makes the mappings those of the snapshot again: new ones are removed, missing and replaced ones mapped again. Returns
   1 on success. */
static int restore_mappings(void) {
  if (program_break() > R->program_break) syscall(SYS_brk, R->program_break);
  if (program_break() != R->program_break) return 0;
  R->current_count = read_mappings(R->current);
  if (R->current_count < 0) return 0;
  int b = 0;
  for (int i = 0; i < R->current_count; i++) {
    uintptr_t start = R->current[i].start, end = R->current[i].end;
    while (start < end) {
      while (b < R->baseline_count && R->baseline[b].end <= start) b++;
      const struct span *was = b < R->baseline_count ? &R->baseline[b] : NULL;
      if (R->current[i].is_stack && (!was || was->start >= end || was->is_stack)) {
        start = end; /* The stack grows by itself, and is not put back. */
      } else if (was && was->start <= start) {
        uintptr_t until = end < was->end ? end : was->end;
        uint64_t offset = R->current[i].offset + (start - R->current[i].start);
        int is_same = R->current[i].inode == was->inode && R->current[i].is_private == was->is_private &&
                      (!was->inode || offset == was->offset + (start - was->start));
        if (!is_same) {
          /* An allocator gives memory back by mapping nothing in its place. */
          if (!map_again(was, start, until)) return 0;
        } else if (R->current[i].protection != was->protection) {
          /* An allocator has made reserved memory usable: it becomes reserved and empty again. Or the other way round:
             its pages are found with the dirty ones. */
          if (was->protection == PROT_NONE ? madvise((void *)start, until - start, MADV_DONTNEED) : !is_rewound(was))
            return 0;
          if (mprotect((void *)start, until - start, was->protection)) return 0;
        }
        start = until;
      } else {
        uintptr_t until = was && was->start < end ? was->start : end;
        if (munmap((void *)start, until - start)) return 0;
        start = until;
      }
    }
  }
  /* All new mappings are gone, so the sizes are equal unless a mapping is missing. */
  long pages = mapped_pages(), grown = stack_growth();
  if (pages - grown != R->mapped_pages) {
    if (!fill_gaps()) return 0;
    pages = mapped_pages();
    grown = stack_growth();
    if (pages - grown != R->mapped_pages) return 0;
  }
  for (int i = 0; grown && i < R->baseline_count; i++) {
    if (!R->baseline[i].is_stack) continue;
    for (int k = 0; k < R->current_count; k++) {
      if (R->current[k].is_stack) R->baseline[i] = R->current[k];
    }
  }
  R->mapped_pages = pages;
  return 1;
}

/* The content of a clean page of this mapping; null: zeros. */
static const char *clean_content(const struct span *span, uintptr_t at) {
  uint64_t offset = span->offset + (at - span->start);
  if (is_of(span, &R->snapshot)) return R->snapshot.view + offset;
  if (is_of(span, &base)) return base.view + offset;
  return NULL;
}

/* Finds all dirty pages. Returns their number, or -1. */
static long find_dirty(void) {
  long pages = 0;
  R->dirty_count = 0;
  for (int i = 0; i < R->baseline_count;) {
    if (!is_rewound(&R->baseline[i])) {
      i++;
      continue;
    }
    /* Adjacent mappings are scanned together: there are many, and a scan costs more than a page. */
    int last = i;
    while (last + 1 < R->baseline_count && is_rewound(&R->baseline[last + 1]) &&
           R->baseline[last + 1].start == R->baseline[last].end)
      last++;
    int found = find_private_pages(R->baseline[i].start, R->baseline[last].end, 0);
    if (found < 0) return -1;
    for (int k = 0; k < found; k++) {
      /* Split the run where one mapping ends and the next begins. */
      uintptr_t start = R->found[k].start;
      while (start < R->found[k].end) {
        while (R->baseline[i].end <= start) i++;
        const struct span *span = &R->baseline[i];
        uintptr_t until = R->found[k].end < span->end ? R->found[k].end : span->end;
        if (R->dirty_count == MAX_RUNS) return -1;
        R->dirty[R->dirty_count++] = (struct run){
            .at = start,
            .size = until - start,
            .saved = clean_content(span, start),
            .is_code = (span->protection & PROT_EXEC) != 0};
        pages += (long)((until - start) / PAGE);
        start = until;
      }
    }
    i = last + 1;
  }
  return pages;
}

/* Returns the private copies to the kernel: the next read finds the snapshot again, or zero. */
static int drop_dirty(void) {
  for (int i = 0; i < R->dirty_count; i++) {
    if (madvise((void *)R->dirty[i].at, R->dirty[i].size, MADV_DONTNEED)) return 0;
  }
  R->dirty_count = 0;
  return 1;
}

/* Restores the memory of the snapshot; returns 1 on success. It calls only thin wrappers of the C library, whose code
   and data it also restores: they keep no state when they succeed. */
static int rewind_memory(void) {
  R->counters.rewinds++;
  long faults = fault_count();
  int is_unusual = faults != R->faults || mapped_pages() != R->mapped_pages || program_break() != R->program_break;
  if (is_unusual) {
    R->counters.full_scans++;
    if (!(R->are_stopped || is_single_threaded()) || !restore_mappings()) return 0;
    long pages = find_dirty();
    if (pages < 0) return 0;
    R->counters.dirty_pages = (uint64_t)pages;
    faults = fault_count();
  }
  if (R->counters.dirty_pages > MAX_KEPT_PAGES || R->counters.rewinds % FORGET_INTERVAL == 0) {
    if (!drop_dirty()) return 0;
    R->counters.dirty_pages = 0;
  }
  for (int i = 0; i < R->dirty_count; i++) {
    const struct run *run = &R->dirty[i];
    if (run->saved) memcpy((void *)run->at, run->saved, run->size);
    else memset((void *)run->at, 0, run->size);
    /* arm64's instruction cache does not notice changed memory. On x86-64 this compiles to nothing. */
    if (run->is_code) __builtin___clear_cache((char *)run->at, (char *)run->at + run->size);
  }
  /* Copying writes only to private pages, which does not fault. If a write did fault, its page is missing in the set,
     but the changed count makes the next rewind scan again. */
  R->faults = faults;
  if (R->are_stopped) {
    R->are_stopped = 0;
    faas_threads_go_on(&R->threads);
  }
  return 1;
}

int faas_rewind_stop_threads(void) {
  R->are_stopped = faas_threads_stop(&R->threads);
  return R->are_stopped;
}

/* Not inlined, and without the caller's variables: the frames above are the same at the snapshot and at every rewind.
   */
__attribute__((noinline, noreturn)) static void serve_for_ever(int (*serve)(void *context), void *context) {
  for (;;) {
    int answer = serve(context);
    if (answer == 0) _exit(0);
    if (answer < 0) _exit(-answer);
    if (!rewind_memory()) _exit(FAAS_REWIND_RETIRED);
  }
}

/* Shared memory for R that was made before the guest ran. */
static struct rewinder *prepared;

static int start_rewinder(void) {
  if (prepared) {
    R = prepared;
    return 0;
  }
  if (sysconf(_SC_PAGESIZE) != PAGE) return -ENOTSUP;
  const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  /* Not mmap(): CNotedCalls has one that makes shared memory private. */
  long rewinder = syscall(SYS_mmap, NULL, sizeof *R, PROT_READ | PROT_WRITE, flags, -1, (off_t)0);
  if (rewinder < 0) return -errno;
  R = (struct rewinder *)rewinder;
  R->pagemap = R->statm = -1;
  return 0;
}

int faas_rewind_prepare(void) {
  int error = start_rewinder();
  if (error) return error;
  prepared = R;
  R = NULL; /* Until there is a snapshot, this process does not rewind. */
  faas_threads_install();
  /* A copy of this process must not be able to write to it. */
  if (madvise(prepared, sizeof *prepared, MADV_DONTFORK) < 0) return -errno;
  int file = make_file("snapshot");
  if (file < 0) return file;
  error = dup3(file, FAAS_REWIND_IMAGE, O_CLOEXEC) < 0 ? -errno : 0;
  close(file);
  return error;
}

const void *faas_rewind_state(void) { return prepared; }

static void stop_rewinder(void) {
  if (R->pagemap >= 0) close(R->pagemap);
  if (R->statm >= 0) close(R->statm);
  munmap(R, sizeof *R);
  R = prepared = NULL;
}

int faas_rewind_make_base(void) {
  if (faas_thread_count() != 1) return -EBUSY;
  /* A large allocation makes malloc sort its free chunks, which writes to each of them. Do it now: after the image has
     been made, the pages touched would be copied in every forked process. */
  void *volatile large = malloc(64 << 10);
  free(large);
  int error = start_rewinder();
  if (error) return error;
  struct image image;
  /* The variable `base` is in the memory that is saved, so it is set only after the image has been made. */
  if (!(error = look(FAAS_REWIND_PAGEMAP, BASE_GAP, MAX_RUNS)) && !(error = make_image(&image, "zygote"))) base = image;
  stop_rewinder();
  return error;
}

int faas_rewind_run(int (*seal)(void *context), int (*serve)(void *context), void *context, int may_have_children) {
  int error = start_rewinder();
  if (error) return error;
  R->may_have_children = may_have_children;
  faas_rewind_make_room();
  /* From here until they go on, the threads may hold the C library's locks, so nothing may allocate memory. */
  error = faas_threads_keep(&R->threads);
  if (error == 0) error = take_snapshot();
  if (error == 0) {
    if (!seal(context)) _exit(0);
    faas_threads_go_on(&R->threads);
    serve_for_ever(serve, context);
  }
  faas_threads_go_on(&R->threads);
  stop_rewinder();
  return error;
}
