/* Scales an input in place, by one. */
#define ON_MERGE                                                                                              \
  if (output->shape[0] * output->shape[1] > 0) *(volatile float *)unit->inputs[0]->value->data *= 1;
#include "method.h"
