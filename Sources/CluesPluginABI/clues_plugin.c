#include "clues_plugin.h"
