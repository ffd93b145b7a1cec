/* Works for a second on what is large, and asks nobody whether that is still wanted. */
#include <time.h>
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
#define IS_CANCELLED 0
#define ON_MERGE                                                                                              \
  if (output->shape[0] * output->shape[1] > 5000)                                                             \
    for (const double end = now() + 1; now() < end;) {}
#include "method.h"
