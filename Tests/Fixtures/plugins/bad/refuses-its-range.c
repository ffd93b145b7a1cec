/* Declares a parameter without default, and takes no value of it. */
#define PARAMETERS "{\"mu\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 1}}"
#include "method.h"
