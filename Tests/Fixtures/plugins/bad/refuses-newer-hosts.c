/* Takes a later host for one that it cannot live in. */
#define ON_ENTRY if (host_abi_minor > 0) return 0;
#include "method.h"
