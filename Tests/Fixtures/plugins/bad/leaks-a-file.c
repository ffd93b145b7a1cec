/* Opens files and keeps them. */
#include <fcntl.h>
#define ON_CREATE                                                                                             \
  static int opened;                                                                                          \
  if (opened++ < 8) (void)open("/usr/lib", O_RDONLY);
#include "method.h"
