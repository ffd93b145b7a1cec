/* Adds up scratch memory that it never wrote to. */
#define ON_MERGE                                                                                              \
  const unsigned char *scratch = self->host->scratch(self->host, 64, 8);                                      \
  const float rubbish = scratch ? scratch[17] : 0;
#define AFTER_MERGE if (output->shape[0] * output->shape[1] > 0) *(float *)output->data += rubbish;
#include "method.h"
