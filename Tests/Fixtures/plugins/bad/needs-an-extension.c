/* Merges nothing where the host does not offer an extension of its own taste. */
#define ON_MERGE                                                                                              \
  if (!self->host->extension(self->host, "acme.turbo"))                                                       \
    return refuse(self->host, CLUES_UNSUPPORTED, "there is no acme.turbo in this host");
#include "method.h"
