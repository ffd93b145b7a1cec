/* Tells standard output what it does. */
#define ON_MERGE printf("merging %s\n", unit->module);
#include "method.h"
