/*
 * The loops of a language model's forward and backward pass.
 *
 * Activations lie in panels of 32 tokens: [panels][features][32], so that a loop over the lanes is one over tokens, what
 * belongs to a token never meets another one but in attention, and a token's numbers have the same bits whatever stands beside
 * it. "Stride" is the distance of two panels in floats. Lanes beyond the last token hold anything.
 *
 * A product's entry is a chain of fused multiplications and additions in the order of its terms, cut where a piece of the
 * inner dimension ends; without such instructions (the baseline of x86-64) they are apart, and the last bits differ. All the
 * rest has the same bits on every processor.
 */
#ifndef CLUES_ENGINE_H
#define CLUES_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum {
  CLUES_PANEL = 32,
  /* The rows, and the inner dimension, of the block of a matrix that is worked on at a time. */
  CLUES_BLOCK_ROWS = 192,
  CLUES_BLOCK_DEPTH = 320
};

/* Y = W·X, or Y += W·X: W [rows, depth] whose rows begin `ld` floats after each other. */
void clues_multiply(const float *w, size_t ld, size_t rows, size_t depth, const float *x, size_t x_stride, float *y,
                    size_t y_stride, size_t panels, int adds);

/* The same with W's columns for rows: W [depth, rows]. */
void clues_multiply_transposed(const float *w, size_t ld, size_t rows, size_t depth, const float *x, size_t x_stride,
                               float *y, size_t y_stride, size_t panels, int adds);

/* G[f][c] = the sum of X[f][t]·Z[t][c] over the tokens first ..< end of the pack, for columns that are a multiple of 16; Z's
   rows begin with that of `first`. */
void clues_sum_over_tokens(const float *x, size_t x_stride, size_t features, size_t first, size_t end, const float *z,
                           size_t columns, float *g);

/* ---------------------------------------------------------------------------------------------------- attention */

/* Causal attention of one sample: its tokens first ..< end of the pack, the heads of queries that share a head of keys. */
typedef struct clues_attention {
  size_t head_width;
  size_t heads;        /* of queries, one after the other */
  size_t first, end;
  size_t window;       /* how many tokens one sees, itself included; 0 for all before it */
  float scale;
  const float *queries; /* the rows of the first head, [heads · head_width] */
  size_t query_stride;
  const float *keys, *values; /* the rows of the head, [head_width] */
  size_t key_stride;
} clues_attention;

/* Floats of room that attention to so many tokens needs. */
size_t clues_room_for_attention(size_t tokens, size_t head_width);

/* Writes the outputs, which lie as the queries do, and of each head and token the largest logit and the inverse of the sum,
   [heads][2][tokens of the pack], whose rows begin `sums_stride` floats after each other. */
void clues_attend(const clues_attention *attention, float *outputs, float *sums, size_t sums_stride, float *room);

/* Attention of one token to kept keys and values, [tokens][head_width], its own last; query and output are columns of panels.
   The room is for tokens + 2 · head_width floats. */
void clues_attend_kept(const float *keys, const float *values, size_t head_width, size_t tokens, float scale,
                       const float *query, float *output, float *room);

/* Writes the gradients of queries, keys and values, which lie as these do, from that of the outputs. */
void clues_attend_back(const clues_attention *attention, const float *gradient, const float *sums, size_t sums_stride,
                       float *query_gradient, float *key_gradient, float *value_gradient, float *room);

/* Turns the pairs (i, i + head_width / 2) of each head by the angles of [panels][head_width / 2][32], backwards if asked. */
void clues_rotate(float *x, size_t stride, size_t heads, size_t head_width, const float *cosines, const float *sines,
                  size_t panels, int backwards);

/* ---------------------------------------------------------------------------------------------- token by token */

/* y = x · r · w with r = 1/√(mean x² + epsilon) over groups of `width` features; r is [panels][groups][32]. */
void clues_normalize(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, float epsilon, float *r,
                     float *y, size_t y_stride, size_t panels);

/* The same from an r that is known. */
void clues_normalize_again(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, const float *r,
                           float *y, size_t y_stride, size_t panels);

/* The gradient of x from that of y: written, or added to what is there. */
void clues_normalize_back(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, const float *r,
                          const float *dy, size_t dy_stride, float *dx, size_t dx_stride, size_t panels, int adds);

/* y = silu(gate) · up. */
void clues_gate(const float *gate, const float *up, float *y, size_t count);

/* From the gradient of y that of gate, into y's place, and that of up. */
void clues_gate_back(const float *gate, const float *up, float *y_to_gate, float *up_gradient, size_t count);

/* y += b, a number for each feature. */
void clues_add_bias(const float *b, float *y, size_t stride, size_t features, size_t panels);

/* ------------------------------------------------------------------------------------------------------- the head */

/* What is known of the softmax of a panel of tokens after some of the vocabulary. */
typedef struct clues_softmax {
  float largest[CLUES_PANEL];
  double sum[CLUES_PANEL];        /* of exp(logit - largest) */
  float target_logit[CLUES_PANEL];
  int32_t target[CLUES_PANEL];    /* -1 for none */
} clues_softmax;

/* Takes the logits [rows][32] of the words from `first` on, and puts exp(logit - largest) into their place. `sums`, unless it
   is null, are sums over words weighted so far, [features][32], which are brought to a new largest logit. */
void clues_take_logits(clues_softmax *state, float *logits, size_t first, size_t rows, float *_Nullable sums,
                       size_t features);

/* e^x for each element, to about one unit in the last place; below e^-87.3 it is 0. */
void clues_exp(const float *x, float *y, size_t count);

#pragma clang assume_nonnull end

#endif
