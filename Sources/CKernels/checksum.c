#include <string.h>

#include "clones.h"
#include "clues_kernels.h"

enum { checksum_lanes = 64 };

/* FNV-1a over 32-bit words, side by side in as many lanes as keep the multipliers busy, then over the lanes. */
CLUES_CLONES
uint64_t clues_checksum(const void *bytes, size_t count) {
  const unsigned char *source = bytes;
  uint32_t lanes[checksum_lanes];
  for (size_t lane = 0; lane < checksum_lanes; lane++) lanes[lane] = 0x811C9DC5u;
  const size_t step = 4 * checksum_lanes;
  size_t place = 0;
  for (; place + step <= count; place += step) {
    for (size_t lane = 0; lane < checksum_lanes; lane++) {
      uint32_t word;
      memcpy(&word, source + place + 4 * lane, 4);
      lanes[lane] = (lanes[lane] ^ word) * 0x01000193u;
    }
  }
  uint64_t sum = 0xCBF29CE484222325u;
  for (size_t lane = 0; lane < checksum_lanes; lane++) sum = (sum ^ lanes[lane]) * 0x00000100000001B3u;
  for (; place < count; place++) sum = (sum ^ source[place]) * 0x00000100000001B3u;
  return sum;
}
