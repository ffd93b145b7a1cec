/* Divides by the number of the other inputs, as an unbiased variance does. */
#define AFTER_MERGE                                                                                           \
  if (output->shape[0] * output->shape[1] > 0) *(float *)output->data /= (float)(unit->input_count - 1);
#include "method.h"
