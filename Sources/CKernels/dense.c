/*
 * Products in double precision of matrices that are held in single precision: what is widened stays in the nearest cache,
 * and no wider copy of a matrix is ever in memory.
 *
 * An entry is one chain of sums in the order of its terms, cut where a chain of 384 (256 without AVX-512) is full, which is
 * what OpenBLAS does for all but small products. Here alone the arithmetic follows the processor as that of BLAS does:
 * products are fused with sums where it has instructions for it.
 */
#include <string.h>

#include "clues_kernels.h"
#include "clues_products.h"

enum { most_height = 8, most_columns = 24 };

#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define APART(a, b, c) ((a) * (b) + (c))

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define LEVEL 4
#define LANES 8
#define HEIGHT 8
#define MULTIPLIED_AND_ADDED FUSED
#include "dense_level.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL 3
#define LANES 4
#define HEIGHT 4
#define MULTIPLIED_AND_ADDED FUSED
#include "dense_level.h"
#pragma clang attribute pop

#define MULTIPLIED_AND_ADDED APART
#else
#define MULTIPLIED_AND_ADDED FUSED
#endif
#define LEVEL 1
#define LANES 2
#define HEIGHT 4
#include "dense_level.h"

/* What is summed at a time, and how. */
typedef struct shape {
  size_t height;  /* rows */
  size_t columns;
  size_t depth;   /* terms of a chain */
  void (*sum)(const double *x, size_t x_stride, const double *z, size_t z_stride, size_t count, size_t columns,
              double *sums);
} shape;

static shape best_shape(void) {
#if defined(__x86_64__)
  switch (clues_kernel_level()) {
    case 4: return (shape){8, 24, 384, sum_some_4};
    case 3: return (shape){4, 12, 256, sum_some_3};
  }
#endif
  return (shape){4, 6, 256, sum_some_1};
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t padded(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

/* How many of the terms that are left the next chain sums. */
static size_t next_depth(size_t rest, size_t depth) {
  if (rest >= 2 * depth || rest <= depth) return smaller(rest, depth);
  return padded(rest / 2, 16);
}

/* Rows of `count` numbers each in double precision; zeros for those beyond. */
static void widen(const float *source, size_t stride, size_t rows, size_t all, size_t count, size_t width,
                  double *target) {
  for (size_t row = 0; row < all; row++) {
    double *line = target + row * width;
    if (row < rows) {
      clues_f32_to_f64(source + row * stride, line, count);
      memset(line + count, 0, (width - count) * sizeof *line);
    } else {
      memset(line, 0, width * sizeof *line);
    }
  }
}

/* ------------------------------------------------------------------------------------------------- rows of c·B·A */

enum { block_columns = 96 };

size_t clues_room_for_rows(size_t rank, size_t rows) {
  return rank * block_columns + padded(rows, most_height) * rank + most_height * most_columns;
}

void clues_form_rows(const float *b, size_t rows, const double *coefficients, size_t rank, const float *a,
                     size_t columns, double *room, float *target) {
  const shape best = best_shape();
  double *wide = room, *left = room + rank * block_columns, *sums = left + padded(rows, most_height) * rank;
  for (size_t row = 0; row < padded(rows, best.height); row++) {
    for (size_t k = 0; k < rank; k++) {
      left[row * rank + k] = row < rows ? coefficients[k] * (double)b[row * rank + k] : 0;
    }
  }
  for (size_t start = 0; start < columns; start += block_columns) {
    const size_t width = smaller(block_columns, columns - start);
    widen(a + start, columns, rank, rank, width, block_columns, wide);
    for (size_t row = 0; row < rows; row += best.height) {
      for (size_t column = 0; column < width; column += best.columns) {
        const size_t count = smaller(best.columns, width - column);
        best.sum(left + row * rank, rank, wide + column, block_columns, rank, count, sums);
        for (size_t v = 0; v < smaller(best.height, rows - row); v++) {
          float *line = target + (row + v) * columns + start + column;
          if (count == most_columns) clues_f64_to_f32(sums + v * most_columns, line, most_columns);
          else for (size_t j = 0; j < count; j++) line[j] = (float)sums[v * most_columns + j];
        }
      }
    }
  }
}

/* ---------------------------------------------------------------------------- vectors times a matrix of many rows */

size_t clues_room_for_vectors(size_t vectors) { return padded(vectors, most_height); }

void clues_turn_vectors(const double *vectors, size_t count, size_t width, double *turned) {
  const size_t stride = clues_room_for_vectors(count);
  for (size_t place = 0; place < width; place++) {
    for (size_t v = 0; v < stride; v++) turned[place * stride + v] = v < count ? vectors[v * width + place] : 0;
  }
}

void clues_multiply_with_rows(const double *turned, size_t count, const float *matrix, size_t rows, size_t columns,
                              double *products, size_t stride) {
  const shape best = best_shape();
  const size_t vectors = clues_room_for_vectors(count);
  double wide[most_height * 384], sums[most_height * most_columns];
  for (size_t v = 0; v < count; v++) memset(products + v * stride, 0, rows * sizeof *products);
  for (size_t row = 0; row < rows; row += best.height) {
    const size_t lines = smaller(best.height, rows - row);
    for (size_t start = 0, depth; start < columns; start += depth) {
      depth = next_depth(columns - start, best.depth);
      widen(matrix + row * columns + start, columns, lines, best.height, depth, depth, wide);
      for (size_t first = 0; first < count; first += best.columns) {
        const size_t some = smaller(best.columns, count - first);
        best.sum(wide, depth, turned + start * vectors + first, vectors, depth, some, sums);
        for (size_t v = 0; v < some; v++) {
          for (size_t line = 0; line < lines; line++) {
            products[(first + v) * stride + row + line] += sums[line * most_columns + v];
          }
        }
      }
    }
  }
}
