#include "clues_merging.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#include "clones.h"

enum { block = 256 };

static inline uint32_t magnitude(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits & 0x7FFFFFFFu;
}

/* Plain counting is not a matter of vectors. */
void clues_count_magnitudes(const float *values, size_t count, uint64_t *bins) {
  for (size_t i = 0; i < count; i++) bins[magnitude(values[i]) >> 15]++;
}

CLUES_CLONES
void clues_count_magnitudes_within(const float *values, size_t count, uint32_t upper, uint64_t *bins) {
  /* Few blocks hold more than a few such entries: look for any in vectors first. */
  for (size_t start = 0; start < count; start += 32) {
    size_t rest = count - start < 32 ? count - start : 32;
    uint32_t found = 0;
    for (size_t i = 0; i < rest; i++) found |= magnitude(values[start + i]) >> 15 == upper;
    if (!found) continue;
    for (size_t i = 0; i < rest; i++) {
      uint32_t bits = magnitude(values[start + i]);
      if (bits >> 15 == upper) bins[bits & 0x7FFFu]++;
    }
  }
}

enum { digit_bits = 11, digits = 1 << digit_bits, samples = 2048 };

/* A run of magnitudes that the edge lies in, and how many entries lie above it. */
typedef struct run {
  uint32_t low;
  uint32_t width; /* in magnitudes; at most 2^31 */
  uint64_t above;
} run;

/* Where the entries of a block lie in the run. Without a branch, for nobody can foretell which lie in it. */
static size_t collect(const float *values, size_t count, uint32_t low, uint32_t width, uint32_t *found) {
  size_t hits = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t place = magnitude(values[i]) - low;
    found[hits] = place;
    hits += place < width;
  }
  return hits;
}

#if defined(__x86_64__)
/* The same with an instruction that compilers do not find by themselves. */
__attribute__((target("avx512f,popcnt"))) static size_t collect_wide(const float *values, size_t count, uint32_t low,
                                                                     uint32_t width, uint32_t *found) {
  const __m512i sign = _mm512_set1_epi32(0x7FFFFFFF), base = _mm512_set1_epi32((int)low);
  const __m512i size = _mm512_set1_epi32((int)width);
  size_t hits = 0, i = 0;
  for (; i + 16 <= count; i += 16) {
    __m512i place = _mm512_sub_epi32(_mm512_and_si512(_mm512_loadu_si512(values + i), sign), base);
    __mmask16 within = _mm512_cmplt_epu32_mask(place, size);
    _mm512_storeu_si512(found + hits, _mm512_maskz_compress_epi32(within, place));
    hits += (size_t)__builtin_popcount(within);
  }
  return hits + collect(values + i, count - i, low, width, found + hits);
}

static int has_wide_vectors(void) { return __builtin_cpu_supports("avx512f") != 0; }
#else
#define collect_wide collect
static int has_wide_vectors(void) { return 0; }
#endif

CLUES_CLONES
static void count_run(const float *values, size_t count, uint32_t low, uint32_t width, uint32_t shift, uint64_t *above,
                      uint64_t *bins) {
  uint64_t sum = 0;
  uint32_t found[block + 16];
  const int wide = has_wide_vectors();
  for (size_t start = 0; start < count; start += block) {
    size_t rest = count - start < block ? count - start : block;
    uint32_t higher = 0, within = 0;
    for (size_t i = 0; i < rest; i++) {
      uint32_t place = magnitude(values[start + i]) - low;
      /* Below the run the difference wraps around, to where no magnitude above it can be. */
      higher += (place >= width) & (place < 0x80000000u);
      within |= place < width;
    }
    sum += higher;
    if (!within) continue;
    size_t hits = wide ? collect_wide(values + start, rest, low, width, found)
                       : collect(values + start, rest, low, width, found);
    for (size_t i = 0; i < hits; i++) bins[found[i] >> shift]++;
  }
  *above = sum;
}

/* Narrows the run by one pass over the entries; 0 when the k-th largest is not in it. */
static int narrow(const float *values, size_t count, uint64_t k, run *here) {
  uint64_t bins[digits + 1] = {0};
  uint32_t shift = 0;
  while (((here->width - 1) >> shift) >= digits) shift++;
  uint64_t above;
  count_run(values, count, here->low, here->width, shift, &above, bins);
  if (above >= k) return 0;
  for (uint32_t place = digits; place-- > 0;) {
    if (above + bins[place] >= k) {
      uint32_t offset = place << shift, rest = here->width - offset;
      here->low += offset;
      here->width = rest < 1u << shift ? rest : 1u << shift;
      here->above = above;
      return 1;
    }
    above += bins[place];
  }
  return 0;
}

/* The k-th largest, to some three digits. */
static run edge_of(const float *values, size_t count, uint64_t k) {
  run here = {0, 0x80000000u, 0};
  narrow(values, count, k, &here);
  narrow(values, count, k, &here);
  return here;
}

/* A run that holds the k-th largest of many entries almost surely, told from some of them. */
static run guess(const float *values, size_t count, uint64_t k) {
  float some[samples];
  /* Odd, so that no column of a matrix is missed. */
  size_t step = count / samples | 1;
  for (size_t i = 0; i < samples; i++) some[i] = values[(i * step) % count];
  double share = (double)k / (double)count;
  double middle = share * samples, spread = 4 * sqrt(samples * share * (1 - share)) + 2;
  run here = {0, 0x80000000u, 0};
  if (middle - spread >= 1) {
    run top = edge_of(some, samples, (uint64_t)(middle - spread));
    here.width = top.low + top.width;
  }
  if (middle + spread <= samples) here.low = edge_of(some, samples, (uint64_t)(middle + spread)).low;
  here.width -= here.low;
  return here;
}

clues_cut clues_first_by_magnitude(const float *values, size_t count, uint64_t k) {
  run here = {0, 0x80000000u, 0};
  if (count >= 8 * samples) {
    run narrower = guess(values, count, k);
    if (narrower.width > 0 && narrow(values, count, k, &narrower)) here = narrower;
  }
  while (here.width > 1) narrow(values, count, k, &here);
  /* Which of those at the edge are still among the first. */
  uint64_t at_edge = 0, wanted = k, end = UINT64_MAX, seen = 0;
  uint64_t bins[digits + 1] = {0};
  count_run(values, count, here.low, 1, 0, &here.above, bins);
  at_edge = bins[0];
  wanted -= here.above;
  if (wanted < at_edge) {
    for (size_t i = 0; i < count; i++) {
      if (magnitude(values[i]) == here.low && ++seen == wanted) {
        end = i + 1;
        break;
      }
    }
  }
  return (clues_cut){here.low, end};
}

/* How many of count entries from index first on lie before end; a block's indices fit into 32 bits. */
static inline uint32_t before(uint64_t first, uint64_t end, size_t count) {
  if (end <= first) return 0;
  return end - first < count ? (uint32_t)(end - first) : (uint32_t)count;
}

CLUES_CLONES
void clues_keep_between(const float *values, const float *keys, size_t count, uint64_t first, clues_cut outer,
                        clues_cut inner, float *kept) {
  for (size_t start = 0; start < count; start += block) {
    uint32_t rest = count - start < block ? (uint32_t)(count - start) : block;
    uint32_t outer_end = before(first + start, outer.end, rest);
    uint32_t inner_end = before(first + start, inner.end, rest);
    for (uint32_t i = 0; i < rest; i++) {
      uint32_t bits = magnitude(keys[start + i]);
      uint32_t is_outer = (bits > outer.edge) | ((bits == outer.edge) & (i < outer_end));
      uint32_t is_inner = (bits > inner.edge) | ((bits == inner.edge) & (i < inner_end));
      kept[start + i] = (is_outer & ~is_inner & 1u) ? values[start + i] : 0.0f;
    }
  }
}

CLUES_CLONES
void clues_note_signs(const float *values, uint8_t *signs, size_t count) {
  for (size_t i = 0; i < count; i++) signs[i] |= (uint8_t)((values[i] > 0) | ((values[i] < 0) << 1));
}

CLUES_CLONES
void clues_keep_drawn(const float *values, const uint32_t *draws, size_t count, uint32_t limit, float *kept) {
  for (size_t i = 0; i < count; i++) kept[i] = draws[i] < limit ? values[i] : 0.0f;
}

enum { short_row = 64, radix_bits = 11, radix = 1 << radix_bits };

/* The entries of a row by falling magnitude, equal ones by index, each in the lower half of a word; in one of two rooms. */
static const uint64_t *ranking(const float *row, size_t count, uint64_t *source, uint64_t *target) {
  for (size_t i = 0; i < count; i++) source[i] = (uint64_t)(0x7FFFFFFFu - magnitude(row[i])) << 32 | i;
  if (count <= short_row) {
    for (size_t i = 1; i < count; i++) {
      uint64_t entry = source[i];
      size_t place = i;
      for (; place > 0 && source[place - 1] > entry; place--) source[place] = source[place - 1];
      source[place] = entry;
    }
    return source;
  }
  for (uint32_t shift = 32; shift < 64; shift += radix_bits) {
    uint32_t starts[radix + 1] = {0};
    for (size_t i = 0; i < count; i++) starts[((source[i] >> shift) & (radix - 1)) + 1]++;
    for (size_t digit = 1; digit < radix; digit++) starts[digit] += starts[digit - 1];
    for (size_t i = 0; i < count; i++) target[starts[(source[i] >> shift) & (radix - 1)]++] = source[i];
    uint64_t *swapped = source;
    source = target;
    target = swapped;
  }
  return source;
}

void clues_keep_ranked(const float *row, const uint32_t *draws, size_t count, double density, double epsilon,
                       int divides, uint64_t *room, float *kept) {
  const uint64_t *entries = ranking(row, count, room, room + count);
  for (size_t rank = 0; rank < count; rank++) {
    size_t place = (uint32_t)entries[rank];
    double share = count == 1 ? density : density + epsilon - 2 * epsilon * (double)rank / (double)(count - 1);
    double limit = share * 0x1p32;
    if (limit > 0x1p32 - 1) limit = 0x1p32 - 1;
    float value = divides ? (float)((double)row[place] / share) : row[place];
    kept[place] = draws[place] < (uint32_t)limit ? value : 0.0f;
  }
}

CLUES_CLONES
double clues_absolute_sum(const float *values, size_t count) {
  double lanes[8] = {0};
  size_t whole = count & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) {
    for (size_t lane = 0; lane < 8; lane++) lanes[lane] += __builtin_fabs((double)values[i + lane]);
  }
  for (size_t i = whole; i < count; i++) lanes[i - whole] += __builtin_fabs((double)values[i]);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

CLUES_CLONES
void clues_sum(const float *const *inputs, const clues_voice *voices, size_t inputs_count, size_t count, double scale,
               float *target) {
  double sums[block];
  for (size_t start = 0; start < count; start += block) {
    size_t rest = count - start < block ? count - start : block;
    for (size_t i = 0; i < rest; i++) sums[i] = 0;
    for (size_t n = 0; n < inputs_count; n++) {
      const float *input = inputs[n] + start;
      double factor = voices[n].factor;
      for (size_t i = 0; i < rest; i++) sums[i] += factor * (double)input[i];
    }
    for (size_t i = 0; i < rest; i++) target[start + i] = (float)(scale * sums[i]);
  }
}

CLUES_CLONES
void clues_sum_agreeing(const float *const *inputs, const clues_voice *voices, size_t inputs_count, size_t count,
                        int by_sign, double scale, float *target) {
  double votes[block], sums[block], shares[block];
  for (size_t start = 0; start < count; start += block) {
    size_t rest = count - start < block ? count - start : block;
    for (size_t i = 0; i < rest; i++) votes[i] = sums[i] = shares[i] = 0;
    for (size_t n = 0; n < inputs_count; n++) {
      const float *input = inputs[n] + start;
      double vote = voices[n].vote;
      if (by_sign) {
        for (size_t i = 0; i < rest; i++) {
          votes[i] += (input[i] > 0 ? vote : 0.0) - (input[i] < 0 ? vote : 0.0);
        }
      } else {
        for (size_t i = 0; i < rest; i++) votes[i] += vote * (double)input[i];
      }
    }
    for (size_t n = 0; n < inputs_count; n++) {
      const float *input = inputs[n] + start;
      double factor = voices[n].factor, share = voices[n].share;
      for (size_t i = 0; i < rest; i++) {
        double value = (double)input[i];
        double turned = votes[i] < 0 ? -value : value;
        sums[i] += turned > 0 ? factor * value : 0.0;
        shares[i] += turned > 0 ? share : 0.0;
      }
    }
    for (size_t i = 0; i < rest; i++) {
      double divisor = shares[i] == 0 ? 1.0 : shares[i];
      target[start + i] = (float)(scale * sums[i] / divisor);
    }
  }
}

CLUES_CLONES
static void exchange(float *low, float *high, uint32_t *low_order, uint32_t *high_order, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float a = low[i], b = high[i];
    uint32_t u = low_order[i], v = high_order[i];
    int swap = a > b;
    low[i] = swap ? b : a;
    high[i] = swap ? a : b;
    low_order[i] = swap ? v : u;
    high_order[i] = swap ? u : v;
  }
}

/* Odd-even transposition: neighbours only, so that equal values stay in order; and the same steps for all columns. */
void clues_sort_across(float *values, uint32_t *order, size_t inputs_count, size_t count) {
  for (size_t n = 0; n < inputs_count; n++) {
    for (size_t i = 0; i < count; i++) order[n * count + i] = (uint32_t)n;
  }
  for (size_t round = 0; round < inputs_count; round++) {
    for (size_t n = round & 1; n + 1 < inputs_count; n += 2) {
      size_t low = n * count, high = low + count;
      exchange(values + low, values + high, order + low, order + high, count);
    }
  }
}

void clues_median(const float *values, const uint32_t *order, const double *weights, size_t inputs_count, size_t count,
                  float *target) {
  double total = 0;
  for (size_t n = 0; n < inputs_count; n++) total += weights[n];
  /* Weights such as 0.1 do not add up exactly. */
  double tolerance = 1e-12 * total;
  for (size_t i = 0; i < count; i++) {
    double sum = 0;
    size_t n = 0;
    for (; n + 1 < inputs_count; n++) {
      sum += weights[order[n * count + i]];
      if (2 * sum >= total - tolerance) break;
    }
    float middle = values[n * count + i];
    int is_between = n + 1 < inputs_count && 2 * sum <= total + tolerance;
    target[i] = is_between ? (float)(((double)middle + (double)values[(n + 1) * count + i]) / 2) : middle;
  }
}

void clues_trimmed_mean(const float *values, const uint32_t *order, const double *weights, size_t inputs_count,
                        size_t count, size_t cut, float *target) {
  for (size_t i = 0; i < count; i++) {
    double sum = 0, total = 0;
    for (size_t n = cut; n + cut < inputs_count; n++) {
      double weight = weights[order[n * count + i]];
      sum += weight * (double)values[n * count + i];
      total += weight;
    }
    target[i] = (float)(sum / total);
  }
}
