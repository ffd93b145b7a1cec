#define _GNU_SOURCE
#include "clues_system.h"

#include <fcntl.h>
#include <stdio.h>

int clues_exchange(const char *first, const char *second) {
  return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
}
