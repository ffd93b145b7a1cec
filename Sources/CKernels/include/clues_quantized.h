#ifndef CLUES_QUANTIZED_H
#define CLUES_QUANTIZED_H

#include <stddef.h>

#pragma clang assume_nonnull begin

/*
 * ggml's quantized weights as float32, in float32 arithmetic and in the order of ggml's own reference, so that every
 * result has the same bits.
 *
 * blocks may lie anywhere; count is a whole number of blocks, of 32 elements, or 256 for the kinds with a K.
 */
void clues_q8_0_to_f32(const void *blocks, float *target, size_t count);
void clues_q4_0_to_f32(const void *blocks, float *target, size_t count);
void clues_q4_1_to_f32(const void *blocks, float *target, size_t count);
void clues_q4_k_to_f32(const void *blocks, float *target, size_t count);
void clues_q6_k_to_f32(const void *blocks, float *target, size_t count);

#pragma clang assume_nonnull end

#endif
