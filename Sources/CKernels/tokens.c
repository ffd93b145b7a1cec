/*
 * The loops that go token by token. Sums over features are chains in their order, a lane for each token.
 */
#include <math.h>
#include <string.h>

#include "clones.h"
#include "clues_engine.h"
#include "exponential.h"

enum { W = CLUES_PANEL };

/* Spelled out, for compilers keep arrays of sums in memory and not in registers. */
typedef float lanes __attribute__((vector_size(4 * W), aligned(4)));

static inline __attribute__((always_inline)) void scale_rows(const float *x, const float *w, const float *r, size_t width,
                                                             float *y) {
  const lanes factor = *(const lanes *)r;
  for (size_t f = 0; f < width; f++) *(lanes *)(y + f * W) = *(const lanes *)(x + f * W) * factor * w[f];
}

CLUES_CLONES
void clues_normalize(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, float epsilon, float *r,
                     float *y, size_t y_stride, size_t panels) {
  for (size_t p = 0; p < panels; p++) {
    for (size_t g = 0; g < groups; g++) {
      const float *from = x + p * x_stride + g * width * W;
      float *inverse = r + (p * groups + g) * W;
      lanes sum = {0};
      for (size_t f = 0; f < width; f++) {
        const lanes a = *(const lanes *)(from + f * W);
        sum += a * a;
      }
      for (size_t t = 0; t < W; t++) inverse[t] = 1.0f / sqrtf(sum[t] / (float)width + epsilon);
      scale_rows(from, w, inverse, width, y + p * y_stride + g * width * W);
    }
  }
}

CLUES_CLONES
void clues_normalize_again(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, const float *r,
                           float *y, size_t y_stride, size_t panels) {
  for (size_t p = 0; p < panels; p++) {
    for (size_t g = 0; g < groups; g++) {
      const size_t row = g * width * W;
      scale_rows(x + p * x_stride + row, w, r + (p * groups + g) * W, width, y + p * y_stride + row);
    }
  }
}

CLUES_CLONES
void clues_normalize_back(const float *x, size_t x_stride, const float *w, size_t width, size_t groups, const float *r,
                          const float *dy, size_t dy_stride, float *dx, size_t dx_stride, size_t panels, int adds) {
  for (size_t p = 0; p < panels; p++) {
    for (size_t g = 0; g < groups; g++) {
      const size_t row = g * width * W;
      const float *a = x + p * x_stride + row, *d = dy + p * dy_stride + row, *inverse = r + (p * groups + g) * W;
      float *to = dx + p * dx_stride + row;
      const lanes factor = *(const lanes *)inverse;
      lanes sum = {0};
      for (size_t f = 0; f < width; f++) sum += *(const lanes *)(d + f * W) * w[f] * *(const lanes *)(a + f * W);
      sum *= factor * factor * factor / (float)width;
      for (size_t f = 0; f < width; f++) {
        const lanes x_gradient = factor * *(const lanes *)(d + f * W) * w[f] - sum * *(const lanes *)(a + f * W);
        lanes *target = (lanes *)(to + f * W);
        *target = adds ? *target + x_gradient : x_gradient;
      }
    }
  }
}

CLUES_CLONES
void clues_rotate(float *x, size_t stride, size_t heads, size_t head_width, const float *cosines, const float *sines,
                  size_t panels, int backwards) {
  const size_t half = head_width / 2;
  const float sign = backwards ? -1.0f : 1.0f;
  for (size_t p = 0; p < panels; p++) {
    const float *c = cosines + p * half * W, *s = sines + p * half * W;
    for (size_t h = 0; h < heads; h++) {
      float *left = x + p * stride + h * head_width * W, *right = left + half * W;
      for (size_t i = 0; i < half * W; i++) {
        const float a = left[i], b = right[i], turn = sign * s[i];
        left[i] = a * c[i] - b * turn;
        right[i] = b * c[i] + a * turn;
      }
    }
  }
}

CLUES_CLONES
void clues_gate(const float *gate, const float *up, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

CLUES_CLONES
void clues_gate_back(const float *gate, const float *up, float *y_to_gate, float *up_gradient, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float g = gate[i], d = y_to_gate[i];
    const float share = 1.0f / (1.0f + exponential(-g));
    up_gradient[i] = d * g * share;
    y_to_gate[i] = d * up[i] * share * (1.0f + g * (1.0f - share));
  }
}

CLUES_CLONES
void clues_add_bias(const float *b, float *y, size_t stride, size_t features, size_t panels) {
  for (size_t p = 0; p < panels; p++) {
    for (size_t f = 0; f < features; f++) {
      for (size_t t = 0; t < W; t++) y[p * stride + f * W + t] += b[f];
    }
  }
}

CLUES_CLONES
void clues_exp(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = exponential(x[i]);
}

/* Rows whose exponentials are summed in single precision before they join the sum in double precision. */
enum { summed_rows = 64 };

CLUES_CLONES
void clues_take_logits(clues_softmax *state, float *logits, size_t first, size_t rows, float *sums, size_t features) {
  float largest[W], factor[W];
  memcpy(largest, state->largest, sizeof largest);
  for (size_t row = 0; row < rows; row++) {
    /* A NaN stays: it is never smaller, and nothing is larger than it. */
    for (size_t t = 0; t < W; t++) {
      const float z = logits[row * W + t];
      largest[t] = z <= largest[t] ? largest[t] : z;
    }
  }
  int changes = 0;
  for (size_t t = 0; t < W; t++) changes |= !(largest[t] == state->largest[t]);
  if (changes) {
    for (size_t t = 0; t < W; t++) factor[t] = exponential(state->largest[t] - largest[t]);
    for (size_t t = 0; t < W; t++) state->sum[t] *= (double)factor[t];
    if (sums) {
      for (size_t f = 0; f < features; f++) {
        for (size_t t = 0; t < W; t++) sums[f * W + t] *= factor[t];
      }
    }
    memcpy(state->largest, largest, sizeof largest);
  }
  for (size_t t = 0; t < W; t++) {
    const int64_t place = (int64_t)state->target[t] - (int64_t)first;
    if (place >= 0 && place < (int64_t)rows) state->target_logit[t] = logits[(size_t)place * W + t];
  }
  for (size_t start = 0; start < rows; start += summed_rows) {
    const size_t end = start + summed_rows < rows ? start + summed_rows : rows;
    float sum[W] = {0};
    for (size_t row = start; row < end; row++) {
      for (size_t t = 0; t < W; t++) {
        const float e = exponential(logits[row * W + t] - largest[t]);
        logits[row * W + t] = e;
        sum[t] += e;
      }
    }
    for (size_t t = 0; t < W; t++) state->sum[t] += (double)sum[t];
  }
}
