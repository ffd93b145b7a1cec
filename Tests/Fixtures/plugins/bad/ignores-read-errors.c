/* Takes a row that could not be read for one of zeros. */
#define ON_STATUS (void)status;
#include "reading.h"
