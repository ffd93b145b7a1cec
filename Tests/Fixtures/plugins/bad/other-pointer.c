/* Makes its table anew for everybody who asks. */
#define ENTRY                                                                                                 \
  clues_plugin *copy = malloc(sizeof *copy);                                                                  \
  if (copy) *copy = plugin;                                                                                   \
  return copy;
#include "method.h"
