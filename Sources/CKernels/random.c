#include "clones.h"
#include "clues_kernels.h"

enum { lanes = 16 };

/* As many counters side by side as vectors hold; a counter never sees another. */
CLUES_CLONES
void clues_random_blocks(uint64_t key, uint64_t first, size_t count, uint64_t *words) {
  for (size_t start = 0; start < count; start += lanes) {
    uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (size_t i = 0; i < lanes; i++) {
      uint64_t index = (first + start + i) & (UINT64_MAX >> 1);
      c0[i] = (uint32_t)index;
      c1[i] = (uint32_t)(index >> 32);
      c2[i] = c3[i] = 0;
    }
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
      for (size_t i = 0; i < lanes; i++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0[i];
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2[i];
        c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
        c1[i] = (uint32_t)p1;
        c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
        c3[i] = (uint32_t)p0;
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    size_t rest = count - start < lanes ? count - start : lanes;
    for (size_t i = 0; i < rest; i++) {
      words[2 * (start + i)] = (uint64_t)c1[i] << 32 | c0[i];
      words[2 * (start + i) + 1] = (uint64_t)c3[i] << 32 | c2[i];
    }
  }
}
