/*
 * The hot loops that need the widest vectors the processor has.
 *
 * What gains by vectors is compiled several times (x86-64-v4, v3, baseline) and the loader picks one. The arithmetic of an
 * element never depends on that choice: nothing is contracted, nothing is reassociated.
 */
#ifndef CLUES_KERNELS_H
#define CLUES_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* Half floats travel as uint16_t. Sources may be unaligned. Narrowing rounds to nearest, ties to even; NaN stays NaN. */
void clues_f16_to_f32(const void *source, float *target, size_t count);
void clues_bf16_to_f32(const void *source, float *target, size_t count);
void clues_f64_to_f32(const void *source, float *target, size_t count);
void clues_f32_to_f64(const float *source, double *target, size_t count);
void clues_f32_to_f16(const float *source, uint16_t *target, size_t count);
void clues_f32_to_bf16(const float *source, uint16_t *target, size_t count);

/* Blocks first ..< first + count of Philox4x32-10 under a key: two words each, as RandomStream.block gives
 * them. Two words a block make 2^63 blocks, after which they begin anew. */
void clues_random_blocks(uint64_t key, uint64_t first, size_t count, uint64_t *words);

/* Tells bytes that were written from others by mistake; no protection against anybody. */
uint64_t clues_checksum(const void *bytes, size_t count);

/* How many streams of SHA-256 go side by side at the most; 0 where the processor has no instructions for it. */
size_t clues_sha256_lanes(void);

/* Takes so many blocks of 64 bytes of each of 1 to clues_sha256_lanes() streams into its state of eight words. */
void clues_sha256_blocks(uint32_t *states, const uint8_t *_Nonnull const *_Nonnull streams, size_t lanes, size_t blocks);

/* The version of the loops that the loader picked: 4 and 3 for x86-64-v4 and x86-64-v3, 1 for the baseline; 0 where there
   is one version only. */
int clues_kernel_level(void);

/* Whether every element is finite. */
int clues_all_finite(const float *values, size_t count);

/* Whether every element is a number of at most this size, either sign; the bound is finite and not negative. */
int clues_all_within(const float *values, size_t count, float bound);

/* What an optimizer makes of a gradient g, given its moments m and v:
   (first_moment·m + first_gradient·g) / √(second_moment·v + second_gradient·g²), epsilon inside the root or beside it. */
typedef struct clues_preconditioner {
  float first_moment, first_gradient;
  float second_moment, second_gradient;
  float epsilon;
  int epsilon_is_inside;
} clues_preconditioner;

void clues_precondition(const float *gradient, const float *first, const float *second,
                        const clues_preconditioner *rule, float *result, size_t count);

/* The inner products of the rows of a [a_rows, count] and b [b_rows, count], [a_rows, b_rows], to some six digits: short
   sums in single precision, these summed in double precision. */
void clues_row_products(const float *a, size_t a_rows, const float *b, size_t b_rows, size_t count, double *products);

/* The same of the columns of a [rows, a_columns] and b [rows, b_columns], [a_columns, b_columns]. */
void clues_column_products(const float *a, size_t a_columns, const float *b, size_t b_columns, size_t rows,
                           double *products);

/* Summed in double precision. */
double clues_inner_product(const float *a, const float *b, size_t count);

/* The same of one vector with several, which begin `stride` elements after each other: the same bits, in less time. */
void clues_inner_products(const float *a, const float *b, size_t stride, size_t vectors, size_t count,
                          double *products);

#pragma clang assume_nonnull end

#endif
