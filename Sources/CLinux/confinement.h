/* The parts of clues_confine. All answer 0, or -1 with errno. */
#ifndef CONFINEMENT_H
#define CONFINEMENT_H

#include <stdint.h>

/* Leaves nothing of the file system but to read and execute what lies below `readable`, a list that ends with null. */
int clues_confine_files(const char *const *readable);

/* Gives up every capability, and that root gets any back. */
int clues_drop_capabilities(void);

/* Refuses every system call of this process that is not listed for it. */
int clues_confine_calls(uint32_t self, int who);

#endif
