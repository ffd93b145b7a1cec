/* Rounds towards zero from now on. */
#include <fenv.h>
#define ON_CREATE fesetround(FE_TOWARDZERO);
#include "method.h"
