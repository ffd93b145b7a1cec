/*
 * Products of matrices with panels of tokens, and attention.
 *
 * Twelve rows of the matrix and a panel's 32 tokens are 24 vectors of 16 sums, which with the two vectors of tokens and a
 * factor fit into the registers of AVX-512. The matrix is read where it lies, a block at a time that stays in the second-level
 * cache for all panels; the next block is fetched meanwhile.
 */
#include <string.h>

#include "clues_engine.h"
#include "clues_kernels.h"
#include "exponential.h"

enum { strip = 12 };

/* What a sum does with what is there. */
enum result { is_set, is_raised, goes_on };

typedef float four __attribute__((vector_size(16), aligned(4)));

/* Four rows of four floats with rows for columns. */
static inline __attribute__((always_inline)) void turn_four(const float *x, size_t x_stride, float *y, size_t y_stride) {
  const four a = *(const four *)x, b = *(const four *)(x + x_stride), c = *(const four *)(x + 2 * x_stride),
             d = *(const four *)(x + 3 * x_stride);
  const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(four *)y = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(four *)(y + y_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(four *)(y + 2 * y_stride) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  *(four *)(y + 3 * y_stride) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

/* Strips of twelve rows of w [rows, depth], the last one of what is left: packed[k][row of the strip]. */
static void pack_rows(const float *w, size_t ld, size_t rows, size_t depth, float *packed) {
  for (size_t row = 0; row < rows; row += strip) {
    const float *from = w + row * ld;
    float *to = packed + row * depth;
    const size_t height = rows - row < strip ? rows - row : strip;
    size_t k = 0;
    if (height == strip) {
      for (; k + 4 <= depth; k += 4) {
        turn_four(from + k, ld, to + k * strip, strip);
        turn_four(from + 4 * ld + k, ld, to + k * strip + 4, strip);
        turn_four(from + 8 * ld + k, ld, to + k * strip + 8, strip);
      }
    }
    for (; k < depth; k++) {
      for (size_t i = 0; i < height; i++) to[k * height + i] = from[i * ld + k];
    }
  }
}

/* The same of w [depth, rows], of whose columns the rows are made. */
static void pack_columns(const float *w, size_t ld, size_t rows, size_t depth, float *packed) {
  const size_t whole = rows / strip * strip;
  for (size_t k = 0; k < depth; k++) {
    const float *from = w + k * ld;
    for (size_t row = 0; row < whole; row += strip) memcpy(packed + row * depth + k * strip, from + row, strip * sizeof *w);
    for (size_t row = whole; row < rows; row++) packed[whole * depth + k * (rows - whole) + (row - whole)] = from[row];
  }
}

/* The rows of a matrix that are due next. They come from memory, which takes its time, while the processor multiplies. */
typedef struct ahead {
  const float *start;
  size_t rows, ld, width;
} ahead;

static inline __attribute__((always_inline)) void fetch(const ahead *ahead, size_t first, size_t end) {
  for (size_t row = first; row < end; row++) {
    /* Addresses as numbers, for some lie behind the matrix; whatever is there, to ask for it does no harm. */
    const uintptr_t from = (uintptr_t)ahead->start + row * ahead->ld * sizeof(float);
    for (size_t byte = 0; byte < ahead->width * sizeof(float); byte += 64) __builtin_prefetch((const void *)(from + byte), 0, 2);
  }
}

#define FUSED(a, b, c) __builtin_elementwise_fma(a, b, c)
#define APART(a, b, c) ((a) * (b) + (c))

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#define LEVEL 4
#define LANES 16
#define TALL 12
#define MULTIPLIED_AND_ADDED FUSED
#include "panels_level.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL 3
#define LANES 8
#define TALL 6
#define MULTIPLIED_AND_ADDED FUSED
#include "panels_level.h"
#pragma clang attribute pop

#define MULTIPLIED_AND_ADDED APART
#else
#define MULTIPLIED_AND_ADDED FUSED
#endif
#define LEVEL 1
#define LANES 4
#define TALL 6
#include "panels_level.h"

#if defined(__x86_64__)
#define AT_LEVEL(call) (clues_kernel_level() == 4 ? call(4) : clues_kernel_level() == 3 ? call(3) : call(1))
#else
#define AT_LEVEL(call) call(1)
#endif

enum { block_rows = CLUES_BLOCK_ROWS, block_depth = CLUES_BLOCK_DEPTH };

void clues_multiply(const float *w, size_t ld, size_t rows, size_t depth, const float *x, size_t x_stride, float *y,
                    size_t y_stride, size_t panels, int adds) {
  /* Pieces of about the same length. */
  const size_t pieces = (depth + block_depth - 1) / block_depth, piece = pieces ? (depth + pieces - 1) / pieces : 0;
  for (size_t row = 0; row < rows; row += block_rows) {
    const size_t height = rows - row < block_rows ? rows - row : block_rows;
    for (size_t k = 0; k < depth; k += piece) {
      const size_t length = depth - k < piece ? depth - k : piece, next = k + length;
      const ahead ahead = {w + (next < depth ? row * ld + next : (row + height) * ld), height, ld, piece};
#define CALL(level)                                                                                           \
  multiply_block_##level(w + row * ld + k, ld, 0, height, length, x + k * CLUES_PANEL, x_stride, y + row * CLUES_PANEL, \
                         y_stride, panels, adds || k > 0 ? is_raised : is_set, &ahead)
      AT_LEVEL(CALL);
#undef CALL
    }
  }
}

void clues_multiply_transposed(const float *w, size_t ld, size_t rows, size_t depth, const float *x, size_t x_stride,
                               float *y, size_t y_stride, size_t panels, int adds) {
  const size_t pieces = (depth + block_depth - 1) / block_depth, piece = pieces ? (depth + pieces - 1) / pieces : 0;
  for (size_t k = 0; k < depth; k += piece) {
    const size_t length = depth - k < piece ? depth - k : piece;
    for (size_t row = 0; row < rows; row += block_rows) {
      const size_t height = rows - row < block_rows ? rows - row : block_rows, next = row + height;
      const ahead ahead = {w + (next < rows ? k * ld + next : (k + length) * ld), length, ld, height};
#define CALL(level)                                                                                          \
  multiply_block_##level(w + k * ld + row, ld, 1, height, length, x + k * CLUES_PANEL, x_stride, y + row * CLUES_PANEL, \
                         y_stride, panels, adds || k > 0 ? is_raised : is_set, &ahead)
      AT_LEVEL(CALL);
#undef CALL
    }
  }
}

void clues_sum_over_tokens(const float *x, size_t x_stride, size_t features, size_t first, size_t end, const float *z,
                           size_t columns, float *g) {
#define CALL(level) sum_over_tokens_##level(x, x_stride, features, first, end, z, columns, g)
  AT_LEVEL(CALL);
#undef CALL
}

size_t clues_room_for_attention(size_t tokens, size_t head_width) {
  const size_t width = (tokens + CLUES_PANEL - 1) / CLUES_PANEL * CLUES_PANEL;
  const size_t wide = (head_width + CLUES_PANEL - 1) / CLUES_PANEL * CLUES_PANEL;
  return width * (4 * head_width + 2 * CLUES_PANEL + 2 * wide) + CLUES_PANEL * (3 * head_width + 2 * wide);
}

void clues_attend(const clues_attention *attention, float *outputs, float *sums, size_t sums_stride, float *room) {
#define CALL(level) attend_##level(attention, outputs, sums, sums_stride, room)
  AT_LEVEL(CALL);
#undef CALL
}

void clues_attend_back(const clues_attention *attention, const float *gradient, const float *sums, size_t sums_stride,
                       float *query_gradient, float *key_gradient, float *value_gradient, float *room) {
#define CALL(level)                                                                                                     \
  attend_back_##level(attention, gradient, sums, sums_stride, query_gradient, key_gradient, value_gradient, room)
  AT_LEVEL(CALL);
#undef CALL
}
