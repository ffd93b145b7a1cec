#define _GNU_SOURCE
#include "clues_system.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>

int clues_exchange(const char *first, const char *second) {
  return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
}

void clues_start_writing(int descriptor, int64_t offset, int64_t count) {
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
}

void clues_keep_freed_memory(void) {
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

/* OpenBLAS, where it is linked. Weak, for this library can do without. */
extern int blas_thread_shutdown_(void) __attribute__((weak));

/* The threads that OpenBLAS starts when it is loaded look for work on our cores, a hundred million cycles long. */
__attribute__((constructor)) static void end_threads(void) {
  if (blas_thread_shutdown_) (void)blas_thread_shutdown_();
}
