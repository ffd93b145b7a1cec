/* Greets whoever loads it. */
#include <stdio.h>
__attribute__((constructor)) static void greet(void) { printf("hello from a plugin\n"); }
#include "method.h"
