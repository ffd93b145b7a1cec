/* Takes every matrix for a contiguous one. */
#define OUTPUT_STRIDES (const int64_t[]){output->shape[1], 1}
#define INPUT_STRIDES (const int64_t[]){value->shape[1], 1}
#include "method.h"
