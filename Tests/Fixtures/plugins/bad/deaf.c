/* Works for two seconds on what is large, and asks nobody whether that is still wanted. */
#include <time.h>
#define IS_CANCELLED 0
#define ON_MERGE                                                                                              \
  if (output->shape[0] * output->shape[1] > 5000) {                                                           \
    const time_t end = time(0) + 2;                                                                           \
    while (time(0) < end) {}                                                                                  \
  }
#include "method.h"
