/* No fault at all. */
#include "scorer.h"
