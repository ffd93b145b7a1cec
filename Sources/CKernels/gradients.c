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

/* A product of two floats is exact in double precision, so that to add it in one operation changes no bit. */
#define CLUES_EXACT_PRODUCTS _Pragma("clang fp contract(fast)")

/* Sixteen running sums, whatever the width of the vectors, so that the order of the additions is always the same. */
CLUES_CLONES
double clues_inner_product(const float *a, const float *b, size_t count) {
  CLUES_EXACT_PRODUCTS
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

/* As many vectors as sums fit into the registers. */
enum { most_vectors = 4 };

__attribute__((always_inline)) static inline void products_of(const float *a, const float *b, size_t stride,
                                                              const size_t vectors, size_t count, double *products) {
  CLUES_EXACT_PRODUCTS
  double sums[most_vectors][16] = {{0}};
  const size_t whole = count - count % 16;
  for (size_t i = 0; i < whole; i += 16) {
    double wide[16];
    for (size_t lane = 0; lane < 16; lane++) wide[lane] = (double)a[i + lane];
    for (size_t n = 0; n < vectors; n++) {
      for (size_t lane = 0; lane < 16; lane++) sums[n][lane] += wide[lane] * (double)b[n * stride + i + lane];
    }
  }
  for (size_t n = 0; n < vectors; n++) {
    for (size_t i = whole; i < count; i++) sums[n][i - whole] += (double)a[i] * (double)b[n * stride + i];
    double sum = 0;
    for (size_t lane = 0; lane < 16; lane++) sum += sums[n][lane];
    products[n] = sum;
  }
}

CLUES_CLONES
void clues_inner_products(const float *a, const float *b, size_t stride, size_t vectors, size_t count,
                          double *products) {
  size_t done = 0;
  for (; done + most_vectors <= vectors; done += most_vectors) {
    products_of(a, b + done * stride, stride, most_vectors, count, products + done);
  }
  switch (vectors - done) {
    case 1: products_of(a, b + done * stride, stride, 1, count, products + done); break;
    case 2: products_of(a, b + done * stride, stride, 2, count, products + done); break;
    case 3: products_of(a, b + done * stride, stride, 3, count, products + done); break;
  }
}
