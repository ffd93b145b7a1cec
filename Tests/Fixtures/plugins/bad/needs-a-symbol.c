/* Calls a function that nobody has. */
extern void clues_nowhere(void);
#define ON_MERGE if (unit->input_count == 12345) clues_nowhere();
#include "method.h"
