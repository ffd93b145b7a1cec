/*
 * The loops of merge methods over the entries of matrices.
 *
 * As with all kernels the arithmetic of an element is the same on every processor: nothing is contracted, nothing is
 * reassociated. "Magnitude" means the bits of a float without its sign, which rise as the absolute value does.
 */
#ifndef CLUES_MERGING_H
#define CLUES_MERGING_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* Counts magnitudes by their upper 16 bits, in 65536 bins. */
void clues_count_magnitudes(const float *values, size_t count, uint64_t *bins);

/* Counts the magnitudes whose upper 16 bits are `upper` by their lower 15 bits, in 32768 bins. */
void clues_count_magnitudes_within(const float *values, size_t count, uint32_t upper, uint64_t *bins);

/*
 * The first entries by falling magnitude, equal ones by index: those above edge, and those at edge before index end.
 */
typedef struct clues_cut {
  uint32_t edge;
  uint64_t end;
} clues_cut;

/* The cut of the first k of count entries, 0 < k < count. Nothing is sorted, and nothing allocated. */
clues_cut clues_first_by_magnitude(const float *values, size_t count, uint64_t k);

/*
 * The same search where entries come piece by piece. A run is width magnitudes from low on.
 *
 * Writes the places in the run of those entries that lie in it to found, in their order, for which there is room for
 * 16 more than count; adds to above how many lie above it, and gives how many lie in it.
 */
size_t clues_gather_magnitudes(const float *values, size_t count, uint32_t low, uint32_t width, uint64_t *above,
                               uint32_t *found);

/* Counts the entries in the run by stretches of 2^shift magnitudes, and gives how many lie above it. */
uint64_t clues_count_run(const float *values, size_t count, uint32_t low, uint32_t width, uint32_t shift,
                         uint64_t *bins);

/* The k-th largest magnitude, which of its equals it is, from 1, and how many there are. */
typedef struct clues_edge {
  uint32_t magnitude;
  uint64_t wanted;
  uint64_t present;
} clues_edge;

/* That of some magnitudes, all of them below width; a sign does not matter. */
clues_edge clues_find_edge(const uint32_t *magnitudes, size_t count, uint64_t k, uint32_t width);

/* Copies the entries whose draw is below limit, and zero for the others. */
void clues_keep_drawn(const float *values, const uint32_t *draws, size_t count, uint32_t limit, float *kept);

/*
 * Copies a row with zeros for the entries whose draw is not below a probability that falls evenly with the rank by
 * magnitude, equal ones by index, from density + epsilon to density - epsilon, both between 0 and 1; kept ones are divided
 * by it if asked. Room is for 2 · count words.
 */
void clues_keep_ranked(const float *row, const uint32_t *draws, size_t count, double density, double epsilon,
                       int divides, uint64_t *room, float *kept);

/* The sum of the absolute values, in float64, in an order that is the same everywhere. */
double clues_absolute_sum(const float *values, size_t count);

/*
 * Entries of one matrix, of which those count whose keys, often the entries themselves, are within outer and not within
 * inner; the others count as zero.
 */
typedef struct clues_masked_input {
  const float *values;
  const float *keys;
  clues_cut outer;
  clues_cut inner;
} clues_masked_input;

/* The magnitudes from low on that are kept of one matrix: room of the sums below, for as many as there are inputs. */
typedef struct clues_range {
  uint32_t low;
  uint32_t width;
} clues_range;

/* What one matrix counts for: factor in the sum, share in the divisor, vote in the election. */
typedef struct clues_weighted_input {
  double factor;
  double share;
  double vote;
} clues_weighted_input;

/* target = scale · Σ factor·x, in float64, of count entries, whose indices in their matrices begin at first. */
void clues_sum(const clues_masked_input *inputs, const clues_weighted_input *weighted, size_t inputs_count,
               uint64_t first, size_t count, double scale, clues_range *room, float *target);

/*
 * Elects a sign for every entry and sums the inputs that have it.
 *
 * The sign is that of Σ vote·x, or of Σ vote·sign(x); zero elects plus. The result is scale · Σ factor·x over the inputs
 * with that sign, divided by the sum of their shares unless that is 0.
 */
void clues_sum_agreeing(const clues_masked_input *inputs, const clues_weighted_input *weighted, size_t inputs_count,
                        uint64_t first,
                        size_t count, int elects_by_sign, double scale, clues_range *room, float *target);

/* Adds 1 to the signs seen of an entry where the value is positive, and 2 where it is negative, once each. */
void clues_note_signs(const float *values, uint8_t *signs, size_t count);

/*
 * Sorts across inputs: values are inputs_count rows of count each, and afterwards every column rises; order says which row
 * an entry came from. Equal values stay in order.
 */
void clues_sort_across(float *values, uint32_t *order, size_t inputs_count, size_t count);

/* The weighted median of sorted columns: where half of the weight ends between two values, their mean. */
void clues_median(const float *values, const uint32_t *order, const double *weights, size_t inputs_count, size_t count,
                  float *target);

/* The weighted mean of sorted columns without the first and the last `cut` rows, in float64. */
void clues_trimmed_mean(const float *values, const uint32_t *order, const double *weights, size_t inputs_count,
                        size_t count, size_t cut, float *target);

#pragma clang assume_nonnull end

#endif
