/* Takes every element for a float32. */
#define REFUSE_UNKNOWN                                                                                        \
  if (output->rank != 2 || unit->space > 15 || unit->part > CLUES_PART_B)                                     \
    return refuse(self->host, CLUES_UNSUPPORTED, "this rank, space or part is not supported");                \
  if (output->dtype == CLUES_F16 || output->dtype == CLUES_BF16)                                              \
    return refuse(self->host, CLUES_UNSUPPORTED, "half as wide is not supported");
#include "method.h"
