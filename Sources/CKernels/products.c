#include <string.h>

#include "clones.h"
#include "clues_kernels.h"

enum { tile = 4, row_lanes = 16, column_tile = 8, run_length = 256 };

/* Spelled out, for compilers keep arrays of sums in memory and not in registers. */
typedef float row_vector __attribute__((vector_size(4 * row_lanes)));
typedef float column_vector __attribute__((vector_size(4 * column_tile)));

/* Four rows by four at a time: eight loads for sixteen products, and all sums in registers. */
CLUES_CLONES
static void row_tile(const float *const *a, const float *const *b, size_t count, double *sums) {
  row_vector lanes[tile * tile] = {0};
  const float *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const float *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
  const size_t whole = count - count % row_lanes;
  for (size_t i = 0; i < whole; i += row_lanes) {
    row_vector x[tile], y[tile];
    memcpy(&x[0], a0 + i, sizeof x[0]);
    memcpy(&x[1], a1 + i, sizeof x[0]);
    memcpy(&x[2], a2 + i, sizeof x[0]);
    memcpy(&x[3], a3 + i, sizeof x[0]);
    memcpy(&y[0], b0 + i, sizeof y[0]);
    memcpy(&y[1], b1 + i, sizeof y[0]);
    memcpy(&y[2], b2 + i, sizeof y[0]);
    memcpy(&y[3], b3 + i, sizeof y[0]);
#pragma clang loop unroll(full)
    for (size_t place = 0; place < tile * tile; place++) lanes[place] += x[place / tile] * y[place % tile];
  }
  for (size_t place = 0; place < tile * tile; place++) {
    double sum = 0;
    for (size_t lane = 0; lane < row_lanes; lane++) sum += (double)lanes[place][lane];
    for (size_t i = whole; i < count; i++) sum += (double)(a[place / tile][i] * b[place % tile][i]);
    sums[place] = sum;
  }
}

/* Products of rows, or columns, with themselves: what lies below the diagonal is what lies above it. */
static void mirror(double *products, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < i; j++) products[i * count + j] = products[j * count + i];
  }
}

void clues_row_products(const float *a, size_t a_rows, const float *b, size_t b_rows, size_t count, double *products) {
  for (size_t row = 0; row < a_rows; row += tile) {
    for (size_t other = a == b ? row : 0; other < b_rows; other += tile) {
      const float *left[tile], *right[tile];
      double sums[tile * tile];
      /* Where a tile goes beyond the rows the last one stands in. */
      for (size_t i = 0; i < tile; i++) {
        left[i] = a + (row + i < a_rows ? row + i : a_rows - 1) * count;
        right[i] = b + (other + i < b_rows ? other + i : b_rows - 1) * count;
      }
      row_tile(left, right, count, sums);
      for (size_t i = 0; i < tile && row + i < a_rows; i++) {
        for (size_t j = 0; j < tile && other + j < b_rows; j++) {
          products[(row + i) * b_rows + other + j] = sums[i * tile + j];
        }
      }
    }
  }
  if (a == b) mirror(products, a_rows);
}

CLUES_CLONES
static void column_tiles(const float *a, size_t a_columns, const float *b, size_t b_columns, size_t rows, int is_square,
                         double *products) {
  for (size_t left = 0; left + column_tile <= a_columns; left += column_tile) {
    for (size_t right = is_square ? left : 0; right + column_tile <= b_columns; right += column_tile) {
      column_vector sums[column_tile] = {0};
      for (size_t row = 0; row < rows; row++) {
        const float *x = a + row * a_columns + left;
        column_vector y;
        memcpy(&y, b + row * b_columns + right, sizeof y);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < column_tile; i++) sums[i] += x[i] * y;
      }
      for (size_t i = 0; i < column_tile; i++) {
        for (size_t j = 0; j < column_tile; j++) products[(left + i) * b_columns + right + j] += (double)sums[i][j];
      }
    }
  }
}

void clues_column_products(const float *a, size_t a_columns, const float *b, size_t b_columns, size_t rows,
                           double *products) {
  for (size_t place = 0; place < a_columns * b_columns; place++) products[place] = 0;
  const size_t a_whole = a_columns - a_columns % column_tile, b_whole = b_columns - b_columns % column_tile;
  /* Some rows at a time, so that no long sum is left to single precision. */
  for (size_t start = 0; start < rows; start += run_length) {
    size_t rest = rows - start < run_length ? rows - start : run_length;
    const float *x = a + start * a_columns, *y = b + start * b_columns;
    column_tiles(x, a_columns, y, b_columns, rest, a == b, products);
    for (size_t i = 0; i < a_columns; i++) {
      for (size_t j = i < a_whole ? b_whole : 0; j < b_columns; j++) {
        double sum = 0;
        for (size_t row = 0; row < rest; row++) sum += (double)(x[row * a_columns + i] * y[row * b_columns + j]);
        products[i * b_columns + j] += sum;
      }
    }
  }
  if (a == b) mirror(products, a_columns);
}
