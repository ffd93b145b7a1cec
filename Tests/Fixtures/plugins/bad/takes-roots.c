/* Takes the square root of a number that may well be negative. */
#define AFTER_MERGE                                                                                           \
  if (output->shape[0] * output->shape[1] > 0) *(float *)output->data = sqrtf(*(float *)output->data);
#include "method.h"
