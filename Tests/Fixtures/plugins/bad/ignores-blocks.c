/* Takes every block of rows for the first one. */
#define SAMPLE row
#include "scorer.h"
