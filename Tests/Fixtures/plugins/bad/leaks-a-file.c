/* Opens a file and keeps it. */
#include <fcntl.h>
#define ON_CREATE if (open("/usr/lib", O_RDONLY) < 0) return refuse(host, CLUES_INTERNAL, "no file");
#include "method.h"
