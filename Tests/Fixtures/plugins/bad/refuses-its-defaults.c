/* Declares a parameter that it does not know. */
#define PARAMETERS "{\"mu\": {\"type\": \"number\", \"default\": 1}}"
#include "method.h"
