#include "clues_kernels.h"

/*
 * SHA-256 (FIPS 180-4) of several streams side by side. The processor's instructions for it wait for each other within a
 * stream, so that one alone leaves half of their units idle.
 */

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

enum { most_lanes = 3 };

size_t clues_sha256_lanes(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (b >> 29 & 1) && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") ? most_lanes : 0;
}

static const uint32_t round_constants[64] __attribute__((aligned(64))) = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

#define CLUES_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* The instructions hold a state as the words A B E F and C D G H. The number of lanes is known where this is inlined. */
CLUES_SHA __attribute__((always_inline)) static inline void take_blocks(uint32_t *states, const uint8_t *const *streams,
                                                                        const size_t lanes, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
  __m128i abef[most_lanes], cdgh[most_lanes];
  for (size_t n = 0; n < lanes; n++) {
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(states + 8 * n)), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(states + 8 * n + 4)), 0x1B);
    abef[n] = _mm_alignr_epi8(badc, hgfe, 8);
    cdgh[n] = _mm_blend_epi16(hgfe, badc, 0xF0);
  }
  for (size_t block = 0; block < blocks; block++) {
    __m128i words[most_lanes][4], first_abef[most_lanes], first_cdgh[most_lanes];
    for (size_t n = 0; n < lanes; n++) {
      first_abef[n] = abef[n];
      first_cdgh[n] = cdgh[n];
      for (size_t i = 0; i < 4; i++) {
        __m128i piece = _mm_loadu_si128((const __m128i *)(streams[n] + 64 * block + 16 * i));
        words[n][i] = _mm_shuffle_epi8(piece, big_endian);
      }
    }
#pragma clang loop unroll(full)
    for (size_t step = 0; step < 16; step++) {
      const __m128i constants = _mm_load_si128((const __m128i *)(round_constants + 4 * step));
      for (size_t n = 0; n < lanes; n++) {
        __m128i *w = words[n];
        __m128i sum = _mm_add_epi32(w[step & 3], constants);
        cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], sum);
        abef[n] = _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32(sum, 0x0E));
        if (step >= 12) continue;
        __m128i next = _mm_sha256msg1_epu32(w[step & 3], w[(step + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(step + 3) & 3], w[(step + 2) & 3], 4));
        w[step & 3] = _mm_sha256msg2_epu32(next, w[(step + 3) & 3]);
      }
    }
    for (size_t n = 0; n < lanes; n++) {
      abef[n] = _mm_add_epi32(abef[n], first_abef[n]);
      cdgh[n] = _mm_add_epi32(cdgh[n], first_cdgh[n]);
    }
  }
  for (size_t n = 0; n < lanes; n++) {
    __m128i feba = _mm_shuffle_epi32(abef[n], 0x1B), dchg = _mm_shuffle_epi32(cdgh[n], 0xB1);
    _mm_storeu_si128((__m128i *)(states + 8 * n), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(states + 8 * n + 4), _mm_alignr_epi8(dchg, feba, 8));
  }
}

CLUES_SHA
void clues_sha256_blocks(uint32_t *states, const uint8_t *const *streams, size_t lanes, size_t blocks) {
  switch (lanes) {
    case 1: return take_blocks(states, streams, 1, blocks);
    case 2: return take_blocks(states, streams, 2, blocks);
    case 3: return take_blocks(states, streams, 3, blocks);
  }
}

#else

size_t clues_sha256_lanes(void) { return 0; }

void clues_sha256_blocks(uint32_t *states, const uint8_t *const *streams, size_t lanes, size_t blocks) {
  (void)states, (void)streams, (void)lanes, (void)blocks;
}

#endif
