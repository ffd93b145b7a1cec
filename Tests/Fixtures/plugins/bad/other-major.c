/* Is a plugin of version 2 of the contract, and of no other. */
#define clues_plugin_entry_v1 clues_plugin_entry_v2
#include "method.h"
