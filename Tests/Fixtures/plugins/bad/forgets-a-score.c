/* Gives the last sample neither a score nor a reason. */
#define SCORED (scores->count > 1 ? scores->count - 1 : scores->count)
#include "scorer.h"
