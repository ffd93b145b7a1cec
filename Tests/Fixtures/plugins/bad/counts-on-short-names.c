/* Counts on short names. */
#define ON_MERGE                                                                                              \
  for (uint32_t i = 0; i < unit->input_count; i++)                                                            \
    if (strlen(unit->inputs[i]->client) > 63) abort();
#include "method.h"
