/* Gives no reason for its refusals. */
#define REFUSE_UNKNOWN                                                                                        \
  if (output->dtype != CLUES_F32 || output->rank != 2 || unit->space > 15 || unit->part > CLUES_PART_B)       \
    return CLUES_UNSUPPORTED;
#include "method.h"
