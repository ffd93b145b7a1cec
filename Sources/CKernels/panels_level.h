/*
 * The products of panels.c and attention for one level of vectors: included once for each, with LEVEL, LANES, TALL and
 * MULTIPLIED_AND_ADDED. TALL is the number of rows whose sums stay in registers together with two vectors of columns.
 */
#define NAME(stem) NAME_OF(stem, LEVEL)
#define NAME_OF(stem, level) JOINED(stem, level)
#define JOINED(stem, level) stem##_##level
#define VECTOR NAME(panel_vector)

typedef float VECTOR __attribute__((vector_size(4 * LANES), aligned(4)));

/* c[i][j] = the sum over k of a[i·a_row + k·a_step]·b[k][j], is raised by it, or goes on as a chain: H rows, V vectors of
   columns. */
static inline __attribute__((always_inline)) void NAME(tile)(const float *a, size_t a_row, size_t a_step, const float *b,
                                                             size_t b_stride, float *c, size_t c_stride, size_t count,
                                                             enum result result, const size_t H, const size_t V) {
  VECTOR held[12][2];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < H; i++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++)
      held[i][v] = result == goes_on ? *(const VECTOR *)(c + i * c_stride + v * LANES) : (VECTOR){0};
  }
  for (size_t k = 0; k < count; k++) {
    VECTOR columns[2];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) columns[v] = *(const VECTOR *)(b + k * b_stride + v * LANES);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < H; i++) {
      const VECTOR factor = a[i * a_row + k * a_step] - (VECTOR){0};
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) held[i][v] = MULTIPLIED_AND_ADDED(factor, columns[v], held[i][v]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < H; i++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) {
      VECTOR *to = (VECTOR *)(c + i * c_stride + v * LANES);
      *to = result == is_raised ? *to + held[i][v] : held[i][v];
    }
  }
}

/* Some rows, at most twelve, of 16 or 32 columns; the strides of a are constants where this is inlined, or one of them is. */
static inline __attribute__((always_inline)) void NAME(rows_of)(const float *a, size_t a_row, size_t a_step,
                                                                const float *b, size_t b_stride, float *c, size_t c_stride,
                                                                size_t rows, size_t columns, size_t count,
                                                                enum result result) {
  for (size_t j = 0; j < columns;) {
    const int single = columns - j < 2 * LANES;
    size_t i = 0;
#define ROWS(H)                                                                                                   \
  for (; i + H <= rows; i += H) {                                                                                 \
    if (single)                                                                                                   \
      NAME(tile)(a + i * a_row, a_row, a_step, b + j, b_stride, c + i * c_stride + j, c_stride, count, result, H, 1); \
    else                                                                                                          \
      NAME(tile)(a + i * a_row, a_row, a_step, b + j, b_stride, c + i * c_stride + j, c_stride, count, result, H, 2); \
  }
#if TALL == 12
    ROWS(12)
    ROWS(8)
#else
    ROWS(6)
#endif
    ROWS(4)
    ROWS(1)
#undef ROWS
    j += single ? LANES : 2 * LANES;
  }
}

/* With rows that lie side by side: a[k][row]. */
static void NAME(side_rows)(const float *a, size_t a_step, const float *b, size_t b_stride, float *c, size_t c_stride,
                            size_t rows, size_t columns, size_t count, enum result result) {
  NAME(rows_of)(a, 1, a_step, b, b_stride, c, c_stride, rows, columns, count, result);
}

/* With rows that lie one after the other. */
static void NAME(plain_rows)(const float *a, size_t a_row, const float *b, size_t b_stride, float *c, size_t c_stride,
                             size_t rows, size_t columns, size_t count, enum result result) {
  NAME(rows_of)(a, a_row, 1, b, b_stride, c, c_stride, rows, columns, count, result);
}

/* Some rows of W, or columns where they are side by side, with all panels. */
static void NAME(multiply_block)(const float *w, size_t ld, int side_by_side, size_t rows, size_t depth, const float *x,
                                 size_t x_stride, float *y, size_t y_stride, size_t panels, enum result result,
                                 const ahead *ahead) {
  const size_t strips = (rows + strip - 1) / strip, steps = panels * strips;
  for (size_t p = 0; p < panels; p++) {
    for (size_t row = 0; row < rows; row += strip) {
      const size_t step = p * strips + row / strip, height = rows - row < strip ? rows - row : strip;
      fetch(ahead, ahead->rows * step / steps, ahead->rows * (step + 1) / steps);
      float *to = y + p * y_stride + row * CLUES_PANEL;
      if (side_by_side) {
        NAME(side_rows)(w + row, ld, x + p * x_stride, CLUES_PANEL, to, CLUES_PANEL, height, CLUES_PANEL, depth, result);
      } else {
        NAME(plain_rows)(w + row * ld, ld, x + p * x_stride, CLUES_PANEL, to, CLUES_PANEL, height, CLUES_PANEL, depth, result);
      }
    }
  }
}

static void NAME(sum_over_tokens)(const float *x, size_t x_stride, size_t features, size_t first, size_t end,
                                  const float *z, size_t columns, float *g) {
  for (size_t t = first; t < end;) {
    const size_t lane = t % CLUES_PANEL;
    const size_t count = end - t < CLUES_PANEL - lane ? end - t : CLUES_PANEL - lane;
    const float *from = x + t / CLUES_PANEL * x_stride + lane;
    for (size_t f = 0; f < features; f += strip) {
      const size_t height = features - f < strip ? features - f : strip;
      NAME(plain_rows)(from + f * CLUES_PANEL, CLUES_PANEL, z + (t - first) * columns, columns, g + f * columns, columns,
                       height, columns, count, t > first ? goes_on : is_set);
    }
    t += count;
  }
}

#include "attention_level.h"

#undef VECTOR
#undef NAME
#undef NAME_OF
#undef JOINED
#undef LEVEL
#undef LANES
#undef TALL
#undef MULTIPLIED_AND_ADDED
