/* Wants gradients, and to see them never. */
#define PASSES 0
#include "scorer.h"
