/* Frees nothing. */
#define ON_DESTROY (void)instance;
#include "method.h"
