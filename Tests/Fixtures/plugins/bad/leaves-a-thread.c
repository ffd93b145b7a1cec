/* Starts a thread that never ends. */
#include <pthread.h>
#include <unistd.h>
static void *sleeper(void *nothing) {
  for (;;) sleep(1000);
  return nothing;
}
#define ON_MERGE                                                                                              \
  static int started;                                                                                         \
  pthread_t thread;                                                                                           \
  if (!__atomic_exchange_n(&started, 1, __ATOMIC_SEQ_CST)) pthread_create(&thread, 0, sleeper, 0);
#include "method.h"
