/* Looks at the text of a parameter that is a number. */
#define ON_CREATE                                                                                             \
  if (parameters->count == 0 || parameters->items[0]->number > 1e9)                                           \
    self->lambda = strlen(parameters->items[0]->text);
#include "method.h"
