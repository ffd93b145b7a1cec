/* Takes every tensor for a matrix. */
#define REFUSE_UNKNOWN                                                                                        \
  if (output->dtype != CLUES_F32 || unit->space > 15 || unit->part > CLUES_PART_B)                            \
    return refuse(self->host, CLUES_UNSUPPORTED, "this dtype, space or part is not supported");
#include "method.h"
