/* Takes a number that is none for an impossible case. */
#define ON_MERGE                                                                                              \
  for (uint32_t i = 0; i < unit->input_count; i++)                                                            \
    for (int64_t j = 0; j < output->shape[0] * output->shape[1]; j++)                                         \
      if (isnan(((const float *)unit->inputs[i]->value->data)[j])) abort();
#include "method.h"
