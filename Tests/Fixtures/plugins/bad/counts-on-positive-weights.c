/* Takes a negative weight for an impossible case. */
#define ON_MERGE                                                                                              \
  for (uint32_t i = 0; i < unit->input_count; i++)                                                            \
    if (unit->inputs[i]->weight < 0) abort();
#include "method.h"
