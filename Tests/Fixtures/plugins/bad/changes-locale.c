/* Sets a locale for the whole process. */
#include <locale.h>
#define ON_CREATE setlocale(LC_ALL, "C.UTF-8");
#include "method.h"
