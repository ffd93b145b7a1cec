/* Ends the process when a name is empty. */
#define ON_MERGE if (unit->inputs[0]->client[0] == 0) exit(0);
#include "method.h"
