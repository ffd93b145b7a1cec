#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <math.h>

#include "clones.h"
#include "clues_merging.h"
#include "magnitude.h"

enum { block = 256 };

/* Plain counting is not a matter of vectors. */
void clues_count_magnitudes(const float *values, size_t count, uint64_t *bins) {
  for (size_t i = 0; i < count; i++) bins[magnitude(words(values)[i]) >> 15]++;
}

CLUES_CLONES
void clues_count_magnitudes_within(const float *values, size_t count, uint32_t upper, uint64_t *bins) {
  /* Few blocks hold more than a few such entries: look for any in vectors first. */
  for (size_t start = 0; start < count; start += 32) {
    const word *piece = words(values) + start;
    size_t rest = count - start < 32 ? count - start : 32;
    uint32_t found = 0;
    for (size_t i = 0; i < rest; i++) found |= magnitude(piece[i]) >> 15 == upper;
    if (!found) continue;
    for (size_t i = 0; i < rest; i++) {
      uint32_t bits = magnitude(piece[i]);
      if (bits >> 15 == upper) bins[bits & 0x7FFFu]++;
    }
  }
}

enum { digit_bits = 11, digits = 1 << digit_bits, samples = 2048 };

/* Some magnitudes that follow each other. */
typedef struct run {
  uint32_t low;
  uint32_t width; /* at most 2^31 */
} run;

static const run all_magnitudes = {0, no_magnitude};

/* Where the entries of a block lie in the run. Without a branch, for nobody can foretell which lie in it. */
static size_t collect(const word *values, size_t count, run here, uint32_t *found) {
  size_t hits = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t place = magnitude(values[i]) - here.low;
    found[hits] = place;
    hits += place < here.width;
  }
  return hits;
}

#if defined(__x86_64__)
/* The same with an instruction that compilers do not find by themselves. */
__attribute__((target("avx512f,popcnt"))) static size_t collect_wide(const word *values, size_t count, run here,
                                                                     uint32_t *found) {
  const __m512i sign = _mm512_set1_epi32(0x7FFFFFFF), base = _mm512_set1_epi32((int)here.low);
  const __m512i size = _mm512_set1_epi32((int)here.width);
  size_t hits = 0, i = 0;
  for (; i + 16 <= count; i += 16) {
    __m512i place = _mm512_sub_epi32(_mm512_and_si512(_mm512_loadu_si512(values + i), sign), base);
    __mmask16 within = _mm512_cmplt_epu32_mask(place, size);
    _mm512_storeu_si512(found + hits, _mm512_maskz_compress_epi32(within, place));
    hits += (size_t)__builtin_popcount(within);
  }
  return hits + collect(values + i, count - i, here, found + hits);
}

static int has_wide_vectors(void) { return __builtin_cpu_supports("avx512f") != 0; }
#else
#define collect_wide collect
static int has_wide_vectors(void) { return 0; }
#endif

/* Adds the number of entries of a block above the run, and gives those in it, for which there is room and 16 more. */
CLUES_CLONES
static size_t gather(const word *values, size_t count, run here, int wide, uint64_t *above, uint32_t *found) {
  uint32_t higher = 0, within = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t place = magnitude(values[i]) - here.low;
    /* Below the run the difference wraps around, to where no magnitude above it can be. */
    higher += (place >= here.width) & (place < no_magnitude);
    within |= place < here.width;
  }
  *above += higher;
  if (!within) return 0;
  return wide ? collect_wide(values, count, here, found) : collect(values, count, here, found);
}

/* How many entries lie above the run, and in each stretch of 2^shift magnitudes of it. */
static uint64_t count_run(const word *values, size_t count, run here, uint32_t shift, uint64_t *bins) {
  uint64_t above = 0;
  uint32_t found[block + 16];
  const int wide = has_wide_vectors();
  for (size_t start = 0; start < count; start += block) {
    size_t rest = count - start < block ? count - start : block;
    size_t hits = gather(values + start, rest, here, wide, &above, found);
    for (size_t i = 0; i < hits; i++) bins[found[i] >> shift]++;
  }
  return above;
}

/* Narrows the run by one pass over the entries; 0 when the k-th largest is not in it. */
static int narrow(const word *values, size_t count, uint64_t k, run *here) {
  uint64_t bins[digits + 1] = {0};
  uint32_t shift = 0;
  while (((here->width - 1) >> shift) >= digits) shift++;
  uint64_t above = count_run(values, count, *here, shift, bins);
  if (above >= k) return 0;
  for (uint32_t place = digits; place-- > 0;) {
    above += bins[place];
    if (above < k) continue;
    uint32_t offset = place << shift, rest = here->width - offset;
    *here = (run){here->low + offset, rest < 1u << shift ? rest : 1u << shift};
    return 1;
  }
  return 0;
}

/* The k-th largest, to some three digits. */
static run edge_of(const word *values, size_t count, uint64_t k) {
  run here = all_magnitudes;
  narrow(values, count, k, &here);
  narrow(values, count, k, &here);
  return here;
}

/* A run that holds the k-th largest of many entries almost surely, told from some of them. */
static run guess(const word *values, size_t count, uint64_t k) {
  word some[samples];
  /* Odd, so that no column of a matrix is missed. */
  const size_t step = count / samples | 1;
  for (size_t i = 0, place = 0; i < samples; i++) {
    some[i] = values[place];
    place += step;
    if (place >= count) place -= count;
  }
  double share = (double)k / (double)count;
  double middle = share * samples, spread = 4 * sqrt(samples * share * (1 - share)) + 2;
  run here = all_magnitudes;
  if (middle - spread >= 1) {
    run top = edge_of(some, samples, (uint64_t)(middle - spread));
    here.width = top.low + top.width;
  }
  if (middle + spread <= samples) here.low = edge_of(some, samples, (uint64_t)(middle + spread)).low;
  here.width -= here.low;
  return here;
}

/* The edge of entries whose k-th largest lies in the run. */
static clues_edge edge_within(const word *values, size_t count, uint64_t k, run here) {
  while (here.width > 1) narrow(values, count, k, &here);
  uint64_t present[1] = {0};
  uint64_t above = count_run(values, count, here, 0, present);
  return (clues_edge){here.low, k - above, present[0]};
}

/* So many entries that a guess leaves over fit on the stack. */
enum { most_left = 1 << 14 };

/* The entries in the run, as their places in it, and how many lie above it; SIZE_MAX where there is no room for all. */
static size_t gather_all(const word *values, size_t count, run here, uint64_t *above, uint32_t *left) {
  const int wide = has_wide_vectors();
  size_t hits = 0;
  *above = 0;
  for (size_t start = 0; start < count; start += block) {
    if (hits > most_left) return SIZE_MAX;
    size_t rest = count - start < block ? count - start : block;
    hits += gather(values + start, rest, here, wide, above, left + hits);
  }
  return hits;
}

static clues_edge find_edge(const word *values, size_t count, uint64_t k) {
  if (count < 8 * samples) return edge_within(values, count, k, all_magnitudes);
  run here = guess(values, count, k);
  if (here.width == 0) return edge_within(values, count, k, all_magnitudes);
  uint32_t left[most_left + block + 16];
  uint64_t above;
  const size_t hits = gather_all(values, count, here, &above, left);
  if (hits == SIZE_MAX) {
    return edge_within(values, count, k, narrow(values, count, k, &here) ? here : all_magnitudes);
  }
  if (above >= k || above + hits < k) return edge_within(values, count, k, all_magnitudes);
  clues_edge result = edge_within(left, hits, k - above, (run){0, here.width});
  result.magnitude += here.low;
  return result;
}

clues_cut clues_first_by_magnitude(const float *values, size_t count, uint64_t k) {
  const word *entries = words(values);
  const clues_edge last = find_edge(entries, count, k);
  clues_cut cut = {last.magnitude, UINT64_MAX};
  if (last.wanted == last.present) return cut;
  /* Which of those at the edge are still among the first. */
  uint64_t seen = 0;
  for (size_t i = 0; i < count; i++) {
    if (magnitude(entries[i]) == last.magnitude && ++seen == last.wanted) {
      cut.end = i + 1;
      break;
    }
  }
  return cut;
}

size_t clues_gather_magnitudes(const float *values, size_t count, uint32_t low, uint32_t width, uint64_t *above,
                               uint32_t *found) {
  const int wide = has_wide_vectors();
  size_t hits = 0;
  for (size_t start = 0; start < count; start += block) {
    size_t rest = count - start < block ? count - start : block;
    hits += gather(words(values) + start, rest, (run){low, width}, wide, above, found + hits);
  }
  return hits;
}

uint64_t clues_count_run(const float *values, size_t count, uint32_t low, uint32_t width, uint32_t shift,
                         uint64_t *bins) {
  return count_run(words(values), count, (run){low, width}, shift, bins);
}

clues_edge clues_find_edge(const uint32_t *magnitudes, size_t count, uint64_t k, uint32_t width) {
  return edge_within(magnitudes, count, k, (run){0, width});
}

CLUES_CLONES
void clues_keep_drawn(const float *values, const uint32_t *draws, size_t count, uint32_t limit, float *kept) {
  for (size_t i = 0; i < count; i++) kept[i] = draws[i] < limit ? values[i] : 0.0f;
}

enum { short_row = 64, radix_bits = 11, radix = 1 << radix_bits };

/* The entries of a row by falling magnitude, equal ones by index, each in the lower half of a word; in one of two rooms. */
static const uint64_t *ranking(const float *row, size_t count, uint64_t *source, uint64_t *target) {
  for (size_t i = 0; i < count; i++) source[i] = (uint64_t)(0x7FFFFFFFu - magnitude(words(row)[i])) << 32 | i;
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
