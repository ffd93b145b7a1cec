/* Takes structs of one size only. */
#define ON_MERGE                                                                                              \
  if (unit->struct_size != CLUES_MERGE_UNIT_SIZE)                                                             \
    return refuse(self->host, CLUES_INVALID_ARGUMENT, "the unit is of the wrong size");
#include "method.h"
