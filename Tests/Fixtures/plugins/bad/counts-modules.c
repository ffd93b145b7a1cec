/* Gives every module what those before it left. */
#define ON_MERGE ((sum *)instance)->lambda += 1;
#include "method.h"
