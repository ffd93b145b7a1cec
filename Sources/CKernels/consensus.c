#include <string.h>

#include "clones.h"
#include "clues_merging.h"
#include "magnitude.h"

/* Spelled out, for compilers keep arrays of sums in memory and not in registers. */
enum { lanes = 16 };
typedef float values_vector __attribute__((vector_size(4 * lanes)));
typedef uint32_t words_vector __attribute__((vector_size(4 * lanes)));
typedef double sums_vector __attribute__((vector_size(8 * lanes)));
typedef int64_t choice_vector __attribute__((vector_size(8 * lanes)));

#define CLUES_INLINE static inline __attribute__((always_inline))

/* What is kept of the entries of a vector, in float64; of the last ones there may be fewer, and zeros follow. */
CLUES_INLINE void apply_mask(const clues_masked_input *input, clues_range range, size_t start, size_t count,
                             sums_vector *kept) {
  words_vector values = {0}, keys = {0};
  memcpy(&values, input->values + start, 4 * count);
  memcpy(&keys, input->keys + start, 4 * count);
  values &= (words_vector)((keys & 0x7FFFFFFFu) - range.low < range.width);
  *kept = __builtin_convertvector((values_vector)values, sums_vector);
}

/* Numbers where a choice was made, zero elsewhere. */
#define CLUES_WHERE(choice, numbers) ((sums_vector)((choice_vector)(numbers) & (choice)))

typedef enum election { no_election, by_value, by_sign } election;

CLUES_INLINE void sum_vector(const clues_masked_input *inputs, const clues_weighted_input *weighted,
                             const clues_range *ranges,
                             size_t inputs_count, size_t start, size_t count, election election, double scale,
                             float *target) {
  const sums_vector zero = {0};
  sums_vector votes = zero, sums = zero, shares = zero, kept;
  for (size_t n = 0; n < inputs_count && election != no_election; n++) {
    apply_mask(inputs + n, ranges[n], start, count, &kept);
    if (election == by_value) {
      votes += weighted[n].vote * kept;
    } else {
      const sums_vector vote = zero + weighted[n].vote;
      votes += CLUES_WHERE(kept > 0, vote) - CLUES_WHERE(kept < 0, vote);
    }
  }
  const choice_vector sign = (choice_vector)(votes < 0) & INT64_MIN;
  for (size_t n = 0; n < inputs_count; n++) {
    apply_mask(inputs + n, ranges[n], start, count, &kept);
    if (election == no_election) {
      sums += weighted[n].factor * kept;
    } else {
      const choice_vector agrees = (sums_vector)((choice_vector)kept ^ sign) > 0;
      sums += CLUES_WHERE(agrees, weighted[n].factor * kept);
      shares += CLUES_WHERE(agrees, zero + weighted[n].share);
    }
  }
  const sums_vector divisor = shares + CLUES_WHERE(shares == 0, zero + 1.0);
  const values_vector result = __builtin_convertvector(scale * sums / divisor, values_vector);
  memcpy(target + start, &result, 4 * count);
}

#define CLUES_SUM_STRETCH(name, election)                                                                              \
  CLUES_CLONES                                                                                                         \
  static void name(const clues_masked_input *inputs, const clues_weighted_input *weighted, const clues_range *ranges,  \
                   size_t inputs_count, size_t start, size_t end, double scale, float *target) {                       \
    for (; start + lanes <= end; start += lanes) {                                                                     \
      sum_vector(inputs, weighted, ranges, inputs_count, start, lanes, election, scale, target);                       \
    }                                                                                                                  \
    if (start < end) sum_vector(inputs, weighted, ranges, inputs_count, start, end - start, election, scale, target);  \
  }

CLUES_SUM_STRETCH(sum_all, no_election)
CLUES_SUM_STRETCH(sum_by_value, by_value)
CLUES_SUM_STRETCH(sum_by_sign, by_sign)

/* The least magnitude at an index that a cut does not leave out. */
static uint32_t least(clues_cut cut, uint64_t index) {
  if (cut.edge >= no_magnitude) return no_magnitude;
  return cut.edge + (index >= cut.end);
}

/* What is kept of each input from an index on, and how many of count entries that holds for. */
static size_t find_ranges(const clues_masked_input *inputs, size_t inputs_count, uint64_t index, size_t count,
                          clues_range *ranges) {
  for (size_t n = 0; n < inputs_count; n++) {
    const clues_cut cuts[] = {inputs[n].outer, inputs[n].inner};
    const uint32_t low = least(cuts[0], index), end = least(cuts[1], index);
    ranges[n] = (clues_range){low, end > low ? end - low : 0};
    for (size_t i = 0; i < 2; i++) {
      if (cuts[i].end > index && cuts[i].end - index < count) count = (size_t)(cuts[i].end - index);
    }
  }
  return count;
}

static void sum(const clues_masked_input *inputs, const clues_weighted_input *weighted, size_t inputs_count,
                uint64_t first, size_t count, election election, double scale, clues_range *room, float *target) {
  for (size_t start = 0, end; start < count; start = end) {
    end = start + find_ranges(inputs, inputs_count, first + start, count - start, room);
    switch (election) {
      case no_election: sum_all(inputs, weighted, room, inputs_count, start, end, scale, target); break;
      case by_value: sum_by_value(inputs, weighted, room, inputs_count, start, end, scale, target); break;
      case by_sign: sum_by_sign(inputs, weighted, room, inputs_count, start, end, scale, target); break;
    }
  }
}

void clues_sum(const clues_masked_input *inputs, const clues_weighted_input *weighted, size_t inputs_count,
               uint64_t first, size_t count, double scale, clues_range *room, float *target) {
  sum(inputs, weighted, inputs_count, first, count, no_election, scale, room, target);
}

void clues_sum_agreeing(const clues_masked_input *inputs, const clues_weighted_input *weighted, size_t inputs_count,
                        uint64_t first,
                        size_t count, int elects_by_sign, double scale, clues_range *room, float *target) {
  sum(inputs, weighted, inputs_count, first, count, elects_by_sign ? by_sign : by_value, scale, room, target);
}
