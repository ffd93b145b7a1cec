/* Declares a default that breaks its own rules. */
#define PARAMETERS "{\"lambda\": {\"type\": \"number\", \"default\": 3, \"maximum\": 2}}"
#include "method.h"
