/* Copies a client's name to where it need not fit. */
#define ON_MERGE                                                                                              \
  char *name = malloc(64);                                                                                    \
  if (name) sprintf(name, "%.4000s", unit->inputs[0]->client);                                                \
  if (name && strlen(name) > 63) abort();                                                                     \
  free(name);
#include "method.h"
