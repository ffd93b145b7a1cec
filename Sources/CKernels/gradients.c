#include <math.h>

#include "clones.h"
#include "clues_kernels.h"

CLUES_CLONES
void clues_precondition(const float *gradient, const float *first, const float *second,
                        const clues_preconditioner *rule, float *result, size_t count) {
  const clues_preconditioner r = *rule;
  if (r.epsilon_is_inside) {
    for (size_t i = 0; i < count; i++) {
      const float g = gradient[i];
      const float square = r.second_moment * second[i] + r.second_gradient * (g * g);
      result[i] = (r.first_moment * first[i] + r.first_gradient * g) / sqrtf(square + r.epsilon);
    }
  } else {
    for (size_t i = 0; i < count; i++) {
      const float g = gradient[i];
      const float square = r.second_moment * second[i] + r.second_gradient * (g * g);
      result[i] = (r.first_moment * first[i] + r.first_gradient * g) / (sqrtf(square) + r.epsilon);
    }
  }
}

/* Sixteen running sums, whatever the width of the vectors, so that the order of the additions is always the same. */
CLUES_CLONES
double clues_inner_product(const float *a, const float *b, size_t count) {
  double sums[16] = {0};
  const size_t whole = count - count % 16;
  for (size_t i = 0; i < whole; i += 16) {
    for (size_t lane = 0; lane < 16; lane++) sums[lane] += (double)a[i + lane] * (double)b[i + lane];
  }
  for (size_t i = whole; i < count; i++) sums[i - whole] += (double)a[i] * (double)b[i];
  double sum = 0;
  for (size_t lane = 0; lane < 16; lane++) sum += sums[lane];
  return sum;
}
