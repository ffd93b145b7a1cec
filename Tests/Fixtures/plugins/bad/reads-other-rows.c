/* Reads the first row for every row. */
#define ROW 0
#include "reading.h"
