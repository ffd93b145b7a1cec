/* Does its work before anybody asked for it. */
#include <time.h>
__attribute__((constructor)) static void prepare(void) {
  struct timespec pause = {.tv_nsec = 300000000};
  nanosleep(&pause, 0);
}
#include "method.h"
