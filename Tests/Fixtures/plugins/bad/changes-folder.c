/* Goes to another folder and stays there. */
#include <unistd.h>
#define ON_CREATE if (chdir("/usr") != 0) return refuse(host, CLUES_INTERNAL, "no folder");
#include "method.h"
