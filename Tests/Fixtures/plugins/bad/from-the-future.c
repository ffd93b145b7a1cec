/* Claims a version of the contract that does not exist yet. */
#define ABI_MINOR 99
#include "method.h"
