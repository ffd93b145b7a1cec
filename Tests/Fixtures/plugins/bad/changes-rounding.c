/* Rounds towards zero from now on. */
#include <fenv.h>
#define AFTER_MERGE fesetround(FE_TOWARDZERO);
#include "method.h"
