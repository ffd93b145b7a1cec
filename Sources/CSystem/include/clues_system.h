/*
 * System calls that Swift's Glibc module does not bring.
 */
#ifndef CLUES_SYSTEM_H
#define CLUES_SYSTEM_H

#include <stdint.h>

/* Exchanges two files or folders in one step. 0, or -1 with errno: EINVAL where the file system cannot do it. */
int clues_exchange(const char *first, const char *second);

/* From now on up to 64 MiB of freed memory stay with the process, ready for the next module, instead of going back to the
   system, which would clear every page anew. */
void clues_keep_freed_memory(void);

/* Lets the disk begin to take what was written there; a hint, which may come to nothing. */
void clues_start_writing(int descriptor, int64_t offset, int64_t count);

#endif
