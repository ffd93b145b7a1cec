/* Handles a signal that is not its own. */
#include <signal.h>
#define ON_CREATE signal(SIGUSR1, SIG_IGN);
#include "method.h"
