#ifndef CLUES_EXPONENTIAL_H
#define CLUES_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/*
 * e^x = 2^n · e^r with n = round(x / ln 2), and e^r by the polynomial of Cephes' expf, |r| ≤ ln 2 / 2. ln 2 in two parts, of
 * which the first has so few bits that n times it is exact. No branches, so that loops of it become vectors. Below the normal
 * numbers it is 0, above the largest infinity, of NaN NaN.
 */
__attribute__((always_inline)) static inline float exponential(float x) {
  const float bounded = x < -88.0f ? -88.0f : x > 89.0f ? 89.0f : x;
  const float magic = 12582912.0f; /* 1.5 · 2^23: added and taken off again it rounds to a whole number */
  const float shifted = bounded * 1.44269504088896341f + magic;
  const float n = shifted - magic;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * (r * r) + r) + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  /* Twice half of the power, which itself may be no float. */
  const int32_t whole = (int32_t)((uint32_t)bits - 0x4B400000u), half = whole >> 1;
  const uint32_t first = (uint32_t)(half + 127) << 23, second = (uint32_t)(whole - half + 127) << 23;
  float a, b;
  memcpy(&a, &first, sizeof a);
  memcpy(&b, &second, sizeof b);
  const float y = p * a * b;
  return x < -87.33654f ? 0.0f : x > 88.72284f ? __builtin_inff() : y;
}

#endif
