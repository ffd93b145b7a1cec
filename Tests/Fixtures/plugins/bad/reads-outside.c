/* Looks at the element behind the last one, and does nothing with it. */
#define ON_MERGE                                                                                              \
  if (output->shape[0] * output->shape[1] > 0)                                                                                   \
    (void)((volatile const float *)unit->inputs[0]->value->data)[output->shape[0] * output->shape[1]];
#include "method.h"
