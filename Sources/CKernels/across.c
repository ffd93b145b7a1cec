#include "clones.h"
#include "clues_merging.h"

CLUES_CLONES
void clues_note_signs(const float *values, uint8_t *signs, size_t count) {
  for (size_t i = 0; i < count; i++) signs[i] |= (uint8_t)((values[i] > 0) | ((values[i] < 0) << 1));
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
