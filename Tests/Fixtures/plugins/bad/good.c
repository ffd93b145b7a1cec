/* No fault at all: what the others are measured against. */
#include "method.h"
