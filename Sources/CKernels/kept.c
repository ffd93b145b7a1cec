/*
 * Attention of one token to the keys and values that are kept of those before it: token after token, each a row of the
 * head's features. Sums over features are those of sixteen chains, sums over tokens chains in their order.
 */
#include <string.h>

#include "clones.h"
#include "clues_engine.h"
#include "exponential.h"

enum { chains = 16 };

typedef float sixteen __attribute__((vector_size(4 * chains), aligned(4)));

CLUES_CLONES
void clues_attend_kept(const float *keys, const float *values, size_t head_width, size_t tokens, float scale,
                       const float *query, float *output, float *room) {
  float *q = room, *sums = q + head_width, *weights = sums + head_width;
  for (size_t f = 0; f < head_width; f++) q[f] = query[f * CLUES_PANEL] * scale;
  float most = -__builtin_inff();
  for (size_t k = 0; k < tokens; k++) {
    const float *key = keys + k * head_width;
    sixteen products = {0};
    size_t f = 0;
    for (; f + chains <= head_width; f += chains) products += *(const sixteen *)(q + f) * *(const sixteen *)(key + f);
    float logit = 0;
    for (size_t i = 0; i < chains; i++) logit += products[i];
    for (; f < head_width; f++) logit += q[f] * key[f];
    weights[k] = logit;
    most = logit <= most ? most : logit;
  }
  float sum = 0;
  for (size_t k = 0; k < tokens; k++) {
    weights[k] = exponential(weights[k] - most);
    sum += weights[k];
  }
  memset(sums, 0, head_width * sizeof *sums);
  for (size_t k = 0; k < tokens; k++) {
    const float *value = values + k * head_width;
    for (size_t f = 0; f < head_width; f++) sums[f] += weights[k] * value[f];
  }
  const float inverse = 1.0f / sum;
  for (size_t f = 0; f < head_width; f++) output[f * CLUES_PANEL] = sums[f] * inverse;
}
