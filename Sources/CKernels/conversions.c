#include "clues_kernels.h"

#include <string.h>

#include "clones.h"

/* memcpy of one element is how C reads unaligned memory; the compiler turns it into plain vector loads. */

CLUES_CLONES
void clues_f16_to_f32(const void *source, float *target, size_t count) {
  const unsigned char *bytes = source;
  for (size_t i = 0; i < count; i++) {
    _Float16 value;
    memcpy(&value, bytes + 2 * i, 2);
    target[i] = (float)value;
  }
}

CLUES_CLONES
void clues_bf16_to_f32(const void *source, float *target, size_t count) {
  const unsigned char *bytes = source;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * i, 2);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(target + i, &bits, 4);
  }
}

CLUES_CLONES
void clues_f64_to_f32(const void *source, float *target, size_t count) {
  const unsigned char *bytes = source;
  for (size_t i = 0; i < count; i++) {
    double value;
    memcpy(&value, bytes + 8 * i, 8);
    target[i] = (float)value;
  }
}

CLUES_CLONES
void clues_f32_to_f64(const float *source, double *target, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = (double)source[i];
}

CLUES_CLONES
void clues_f32_to_f16(const float *source, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    _Float16 value = (_Float16)source[i];
    memcpy(target + i, &value, 2);
  }
}

CLUES_CLONES
void clues_f32_to_bf16(const float *source, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, source + i, 4);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    target[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}

CLUES_CLONES
int clues_all_finite(const float *values, size_t count) {
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, 4);
    found |= (bits & 0x7F800000u) == 0x7F800000u;
  }
  return found == 0;
}

CLUES_CLONES
int clues_all_within(const float *values, size_t count, float bound) {
  /* Without their sign, floats are ordered as their bits are, with infinities and NaN at the end. */
  uint32_t most;
  memcpy(&most, &bound, 4);
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, 4);
    found |= (bits & 0x7FFFFFFFu) > most;
  }
  return found == 0;
}
