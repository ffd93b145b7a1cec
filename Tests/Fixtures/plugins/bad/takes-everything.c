/* Takes spaces and parts that it cannot know. */
#define REFUSE_UNKNOWN                                                                                        \
  if (output->dtype != CLUES_F32 || output->rank != 2)                                                        \
    return refuse(self->host, CLUES_UNSUPPORTED, "this dtype or rank is not supported");
#include "method.h"
