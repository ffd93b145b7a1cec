/*
 * The products of dense.c for one level of vectors: included once for each, with LEVEL, LANES and HEIGHT, the number of rows
 * whose sums stay in registers together.
 */
#define NAME(stem) NAME_OF(stem, LEVEL)
#define NAME_OF(stem, level) JOINED(stem, level)
#define JOINED(stem, level) stem##_##level
#define VECTOR NAME(vector)
#define SUM_TILE NAME(sum_tile)

typedef double VECTOR __attribute__((vector_size(8 * LANES), aligned(8)));

/* sums[v][j] = the sum over k of x[v][k]·z[k][j], each a single chain in the order of k; W vectors of columns. */
static inline __attribute__((always_inline)) void SUM_TILE(const double *x, size_t x_stride, const double *z,
                                                           size_t z_stride, size_t count, const size_t W,
                                                           double *sums) {
  VECTOR held[HEIGHT][3] = {{{0}}};
  for (size_t k = 0; k < count; k++) {
    VECTOR columns[3];
    for (size_t w = 0; w < W; w++) columns[w] = *(const VECTOR *)(z + k * z_stride + w * LANES);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < HEIGHT; v++) {
      const VECTOR factor = x[v * x_stride + k] - (VECTOR){0};
#pragma clang loop unroll(full)
      for (size_t w = 0; w < W; w++) held[v][w] = MULTIPLIED_AND_ADDED(factor, columns[w], held[v][w]);
    }
  }
  for (size_t v = 0; v < HEIGHT; v++) {
    for (size_t w = 0; w < W; w++) *(VECTOR *)(sums + v * most_columns + w * LANES) = held[v][w];
  }
}

/* The same for as many rows and columns as there are, at most HEIGHT and 3 · LANES; both are padded where they are read. */
static void NAME(sum_some)(const double *x, size_t x_stride, const double *z, size_t z_stride, size_t count,
                           size_t columns, double *sums) {
  if (columns > 2 * LANES) SUM_TILE(x, x_stride, z, z_stride, count, 3, sums);
  else if (columns > LANES) SUM_TILE(x, x_stride, z, z_stride, count, 2, sums);
  else SUM_TILE(x, x_stride, z, z_stride, count, 1, sums);
}

#undef SUM_TILE
#undef VECTOR
#undef NAME
#undef NAME_OF
#undef JOINED
#undef LEVEL
#undef LANES
#undef HEIGHT
#undef MULTIPLIED_AND_ADDED
