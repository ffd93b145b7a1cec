/* Adds something that depends on the time. */
#include <time.h>
#define AFTER_MERGE                                                                                           \
  struct timespec now;                                                                                        \
  clock_gettime(CLOCK_MONOTONIC, &now);                                                                       \
  if (output->shape[0] * output->shape[1] > 0) *(float *)output->data += (float)(now.tv_nsec % 1000);
#include "method.h"
