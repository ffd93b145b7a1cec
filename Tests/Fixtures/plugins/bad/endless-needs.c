/* Has one more way to come by its scores, always. */
#define LAST_ALTERNATIVE 1000000
#include "scorer.h"
