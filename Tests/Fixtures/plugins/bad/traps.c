/* Traps where the largest entry is to be found among none. */
#define ON_MERGE if (output->shape[0] * output->shape[1] == 0) __builtin_trap();
#include "method.h"
