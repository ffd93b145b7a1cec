/* Tells its host without end, past the functions of the contract, that it is done with this and that. */
#include <stdint.h>
#include <unistd.h>

static void forge(void) {
  /* A message of the kind "log": the entry of the next number, or a finding. */
  for (uint64_t number = 0;; number++) {
    uint64_t message[4] = {4 | (number % 2) << 32, number % 2 ? 0 : number / 2, 4096, 0x21};
    if (write(3, message, sizeof message) < 0) _exit(1);
  }
}

#define ON_MERGE                                                                                              \
  if (output->shape[0] == 0 && output->shape[1] == 0) forge();
#include "method.h"
