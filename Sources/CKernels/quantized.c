#include "clues_quantized.h"

#include <stdint.h>
#include <string.h>

#include "clones.h"

/*
 * Loops of constant length over bytes that lie side by side are what the compiler makes vectors of; those of only 16 it
 * takes apart instead, so that there the vectors are written down.
 */
typedef int8_t levels16 __attribute__((vector_size(16)));
typedef float floats16 __attribute__((vector_size(64)));

#define SMALL 32
#define LARGE 256

static inline float half_at(const unsigned char *bytes) {
  _Float16 value;
  memcpy(&value, bytes, 2);
  return (float)value;
}

/* A block: scale (f16), 32 signed bytes. */
CLUES_CLONES
void clues_q8_0_to_f32(const void *blocks, float *restrict target, size_t count) {
  const unsigned char *restrict block = blocks;
  for (size_t done = 0; done < count; done += SMALL, block += 2 + SMALL, target += SMALL) {
    float scale = half_at(block);
    const signed char *restrict levels = (const signed char *)block + 2;
    for (int i = 0; i < SMALL; i++) target[i] = (float)levels[i] * scale;
  }
}

/* A block: scale (f16), 16 bytes with the levels 0-15 in their low halves and 16-31 in their high ones. */
CLUES_CLONES
void clues_q4_0_to_f32(const void *blocks, float *restrict target, size_t count) {
  const unsigned char *restrict block = blocks;
  for (size_t done = 0; done < count; done += SMALL, block += 2 + SMALL / 2, target += SMALL) {
    float scale = half_at(block);
    levels16 both;
    memcpy(&both, block + 2, sizeof both);
    floats16 low = __builtin_convertvector((both & 15) - 8, floats16) * scale;
    floats16 high = __builtin_convertvector((both >> 4 & 15) - 8, floats16) * scale;
    memcpy(target, &low, sizeof low);
    memcpy(target + SMALL / 2, &high, sizeof high);
  }
}

/* A block: scale and least value (f16 each), 16 bytes as above. */
CLUES_CLONES
void clues_q4_1_to_f32(const void *blocks, float *restrict target, size_t count) {
  const unsigned char *restrict block = blocks;
  for (size_t done = 0; done < count; done += SMALL, block += 4 + SMALL / 2, target += SMALL) {
    float scale = half_at(block);
    float least = half_at(block + 2);
    levels16 both;
    memcpy(&both, block + 4, sizeof both);
    floats16 low = __builtin_convertvector(both & 15, floats16) * scale + least;
    floats16 high = __builtin_convertvector(both >> 4 & 15, floats16) * scale + least;
    memcpy(target, &low, sizeof low);
    memcpy(target + SMALL / 2, &high, sizeof high);
  }
}

/*
 * A block: scale of scales, scale of least values (f16 each), 12 bytes with eight pairs of six bits, 128 bytes of which
 * each 32 hold two parts of 32 levels, the first in their low halves.
 */
CLUES_CLONES
void clues_q4_k_to_f32(const void *blocks, float *restrict target, size_t count) {
  const unsigned char *restrict block = blocks;
  for (size_t done = 0; done < count; done += LARGE, block += 144, target += LARGE) {
    float scale = half_at(block);
    float least = half_at(block + 2);
    const unsigned char *restrict packed = block + 4;
    float scales[8], leasts[8];
    for (int i = 0; i < 4; i++) {
      scales[i] = scale * (float)(packed[i] & 63);
      leasts[i] = least * (float)(packed[i + 4] & 63);
      scales[i + 4] = scale * (float)((packed[i + 8] & 15) | ((packed[i] >> 6) << 4));
      leasts[i + 4] = least * (float)((packed[i + 8] >> 4) | ((packed[i + 4] >> 6) << 4));
    }
    for (int pair = 0; pair < 4; pair++) {
      const unsigned char *restrict levels = block + 16 + 32 * pair;
      float *restrict part = target + 64 * pair;
      float low = scales[2 * pair], high = scales[2 * pair + 1];
      float below_low = leasts[2 * pair], below_high = leasts[2 * pair + 1];
      for (int i = 0; i < 32; i++) {
        part[i] = low * (float)(int)(levels[i] & 15) - below_low;
        part[i + 32] = high * (float)(int)(levels[i] >> 4) - below_high;
      }
    }
  }
}

/*
 * A block: 128 bytes with the lower four bits of the levels, 64 with the upper two, 16 signed scales, and the scale of
 * these (f16). Of each half of the block, byte i holds what belongs to the elements i, i + 32, i + 64 and i + 96.
 */
CLUES_CLONES
void clues_q6_k_to_f32(const void *blocks, float *restrict target, size_t count) {
  const unsigned char *restrict block = blocks;
  for (size_t done = 0; done < count; done += LARGE, block += 210, target += LARGE) {
    float scale = half_at(block + 208);
    const signed char *scales = (const signed char *)block + 192;
    for (int half = 0; half < 2; half++) {
      for (int part = 0; part < 2; part++) {
        const unsigned char *restrict lower = block + 64 * half + 16 * part;
        const unsigned char *restrict upper = block + 128 + 32 * half + 16 * part;
        float *restrict here = target + 128 * half + 16 * part;
        float scale_0 = scale * (float)scales[8 * half + part];
        float scale_1 = scale * (float)scales[8 * half + part + 2];
        float scale_2 = scale * (float)scales[8 * half + part + 4];
        float scale_3 = scale * (float)scales[8 * half + part + 6];
        for (int i = 0; i < 16; i++) {
          int level_0 = (lower[i] & 15) | ((upper[i] & 3) << 4);
          int level_1 = (lower[i + 32] & 15) | (((upper[i] >> 2) & 3) << 4);
          int level_2 = (lower[i] >> 4) | (((upper[i] >> 4) & 3) << 4);
          int level_3 = (lower[i + 32] >> 4) | ((upper[i] >> 6) << 4);
          here[i] = scale_0 * (float)(level_0 - 32);
          here[i + 32] = scale_1 * (float)(level_1 - 32);
          here[i + 64] = scale_2 * (float)(level_2 - 32);
          here[i + 96] = scale_3 * (float)(level_3 - 32);
        }
      }
    }
  }
}
