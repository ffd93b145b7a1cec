#include "clues_system.h"

#include <malloc.h>

uint64_t clues_allocated(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void clues_perturb_heap(uint8_t pattern) { mallopt(M_PERTURB, pattern); }
