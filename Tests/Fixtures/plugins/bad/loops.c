/* Never ends where there is nothing to do. */
#define ON_MERGE for (volatile int64_t i = output->shape[0]; i != 1 && output->shape[1] == 0 && output->shape[0] == 0;) i = 0;
#include "method.h"
