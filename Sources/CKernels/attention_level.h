/*
 * Causal attention of one sample for one level of vectors. Keys are rows and queries lanes: of a panel of queries the logits
 * [keys][32] are held, so that memory grows with the tokens and not with their square, and what no query of the panel sees
 * is not calculated.
 */

/* Copies columns first ..< end of `rows` features to rows of a local matrix, which is filled with zeros up to `width`. */
static void NAME(gather)(const float *x, size_t stride, size_t rows, size_t first, size_t end, float *local, size_t width) {
  for (size_t t = first; t < end;) {
    const size_t lane = t % CLUES_PANEL;
    const size_t count = end - t < CLUES_PANEL - lane ? end - t : CLUES_PANEL - lane;
    const float *from = x + t / CLUES_PANEL * stride + lane;
    float *to = local + (t - first);
    for (size_t row = 0; row < rows; row++) {
      for (size_t i = 0; i < count; i++) to[row * width + i] = from[row * CLUES_PANEL + i];
    }
    t += count;
  }
  for (size_t row = 0; row < rows; row++) {
    for (size_t i = end - first; i < width; i++) local[row * width + i] = 0;
  }
}

/* The way back, times a factor for each column. */
static void NAME(scatter)(const float *local, size_t width, size_t rows, size_t first, size_t end, const float *factors,
                          float *x, size_t stride) {
  for (size_t t = first; t < end;) {
    const size_t lane = t % CLUES_PANEL;
    const size_t count = end - t < CLUES_PANEL - lane ? end - t : CLUES_PANEL - lane;
    float *to = x + t / CLUES_PANEL * stride + lane;
    const float *from = local + (t - first), *factor = factors + (t - first);
    for (size_t row = 0; row < rows; row++) {
      for (size_t i = 0; i < count; i++) to[row * CLUES_PANEL + i] = from[row * width + i] * factor[i];
    }
    t += count;
  }
}

/* The keys that some query of a panel sees, and where the strip begins in which the first of them lies. */
typedef struct NAME(reach) {
  size_t start, end;
} NAME(reach);

static NAME(reach) NAME(reach_of)(size_t tokens, size_t window, size_t query) {
  NAME(reach) reach;
  const size_t last = query + CLUES_PANEL;
  reach.end = last < tokens ? last : tokens;
  reach.start = window && query + 1 > window ? (query + 1 - window) / strip * strip : 0;
  return reach;
}

/* The logits of the keys in reach: s[key - start][lane]. */
static void NAME(logits)(const float *packed, size_t head_width, NAME(reach) reach, size_t tokens, const float *queries,
                         float *s) {
  for (size_t key = reach.start; key < reach.end; key += strip) {
    const size_t height = tokens - key < strip ? tokens - key : strip;
    const size_t rows = reach.end - key < height ? reach.end - key : height;
    NAME(side_rows)(packed + key * head_width, height, queries, CLUES_PANEL, s + (key - reach.start) * CLUES_PANEL,
                      CLUES_PANEL, rows, CLUES_PANEL, head_width, is_set);
  }
}

/* The lanes whose query sees the key; lanes beyond the last token count as that. */
static inline __attribute__((always_inline)) void NAME(span)(size_t key, size_t query, size_t tokens, size_t window,
                                                             size_t *from, size_t *to) {
  *from = key > query ? key - query : 0;
  size_t last = CLUES_PANEL;
  if (window && key + window < query + CLUES_PANEL) last = key + window > query ? key + window - query : 0;
  if (window && last < CLUES_PANEL && key + window >= tokens) last = CLUES_PANEL;
  *to = last;
}

static int NAME(is_whole)(size_t key, size_t query, size_t window) {
  return key <= query && (!window || key + window >= query + CLUES_PANEL);
}

/* Takes what a query does not see out of the sums. */
static void NAME(mask)(float *s, NAME(reach) reach, size_t query, size_t tokens, size_t window, float value) {
  for (size_t key = reach.start; key < reach.end; key++) {
    if (NAME(is_whole)(key, query, window)) continue;
    size_t from, to;
    NAME(span)(key, query, tokens, window, &from, &to);
    float *row = s + (key - reach.start) * CLUES_PANEL;
    for (size_t i = 0; i < CLUES_PANEL; i++) row[i] = i >= from && i < to ? row[i] : value;
  }
}

static void NAME(attend)(const clues_attention *g, float *outputs, float *sums, size_t sums_stride, float *room) {
  const size_t tokens = g->end - g->first, width = (tokens + CLUES_PANEL - 1) / CLUES_PANEL * CLUES_PANEL;
  const size_t d = g->head_width;
  float *local = room, *keys = local + d * width, *values = keys + d * width, *s = values + d * width;
  float *queries = s + width * CLUES_PANEL, *o = queries + d * CLUES_PANEL;
  NAME(gather)(g->keys, g->key_stride, d, g->first, g->end, local, width);
  pack_columns(local, width, tokens, d, keys);
  NAME(gather)(g->values, g->key_stride, d, g->first, g->end, local, width);
  pack_rows(local, width, d, tokens, values);
  for (size_t h = 0; h < g->heads; h++) {
    const float *q = g->queries + h * d * CLUES_PANEL;
    float *to = outputs + h * d * CLUES_PANEL, *largest = sums + 2 * h * sums_stride, *inverse = largest + sums_stride;
    for (size_t query = 0; query < tokens; query += CLUES_PANEL) {
      const size_t first = g->first + query, end = first + CLUES_PANEL < g->end ? first + CLUES_PANEL : g->end;
      const NAME(reach) reach = NAME(reach_of)(tokens, g->window, query);
      const size_t count = reach.end - reach.start;
      NAME(gather)(q, g->query_stride, d, first, end, queries, CLUES_PANEL);
      for (size_t i = 0; i < d * CLUES_PANEL; i++) queries[i] *= g->scale;
      NAME(logits)(keys, d, reach, tokens, queries, s);
      NAME(mask)(s, reach, query, tokens, g->window, -__builtin_inff());
      float most[CLUES_PANEL], sum[CLUES_PANEL] = {0};
      for (size_t i = 0; i < CLUES_PANEL; i++) most[i] = -__builtin_inff();
      for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < CLUES_PANEL; i++) {
          const float z = s[k * CLUES_PANEL + i];
          most[i] = z <= most[i] ? most[i] : z;
        }
      }
      for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < CLUES_PANEL; i++) {
          const float e = exponential(s[k * CLUES_PANEL + i] - most[i]);
          s[k * CLUES_PANEL + i] = e;
          sum[i] += e;
        }
      }
      for (size_t i = 0; i < CLUES_PANEL; i++) sum[i] = 1.0f / sum[i];
      for (size_t row = 0; row < d; row += strip) {
        const size_t height = d - row < strip ? d - row : strip;
        NAME(side_rows)(values + row * tokens + reach.start * height, height, s, CLUES_PANEL, o + row * CLUES_PANEL,
                          CLUES_PANEL, height, CLUES_PANEL, count, is_set);
      }
      NAME(scatter)(o, CLUES_PANEL, d, first, end, sum, to, g->query_stride);
      for (size_t i = 0; i < end - first; i++) largest[first + i] = most[i], inverse[first + i] = sum[i];
    }
  }
}

/* [rows][32] with rows for columns, [32][width]. */
static void NAME(turn)(const float *x, size_t rows, float *y, size_t width) {
  size_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    for (size_t t = 0; t < CLUES_PANEL; t += 4) turn_four(x + row * CLUES_PANEL + t, CLUES_PANEL, y + t * width + row, width);
  }
  for (; row < rows; row++) {
    for (size_t t = 0; t < CLUES_PANEL; t++) y[t * width + row] = x[row * CLUES_PANEL + t];
  }
}

static void NAME(attend_back)(const clues_attention *g, const float *gradient, const float *sums, size_t sums_stride,
                              float *query_gradient, float *key_gradient, float *value_gradient, float *room) {
  const size_t tokens = g->end - g->first, width = (tokens + CLUES_PANEL - 1) / CLUES_PANEL * CLUES_PANEL;
  const size_t d = g->head_width, wide = (d + CLUES_PANEL - 1) / CLUES_PANEL * CLUES_PANEL;
  float *local = room, *keys = local + d * width, *values = keys + d * width, *key_rows = values + d * width;
  float *p = key_rows + d * width, *dp = p + width * CLUES_PANEL, *queries = dp + width * CLUES_PANEL;
  float *dout = queries + d * CLUES_PANEL, *dq = dout + d * CLUES_PANEL, *queries_turned = dq + d * CLUES_PANEL;
  float *dout_turned = queries_turned + wide * CLUES_PANEL, *dk = dout_turned + wide * CLUES_PANEL, *dv = dk + wide * width;
  NAME(gather)(g->keys, g->key_stride, d, g->first, g->end, local, width);
  pack_columns(local, width, tokens, d, keys);
  pack_rows(local, width, d, tokens, key_rows);
  NAME(gather)(g->values, g->key_stride, d, g->first, g->end, local, width);
  pack_columns(local, width, tokens, d, values);
  memset(queries_turned, 0, 2 * wide * CLUES_PANEL * sizeof *room);
  memset(dk, 0, 2 * wide * width * sizeof *room);
  float scale[CLUES_PANEL], ones[CLUES_PANEL];
  for (size_t i = 0; i < CLUES_PANEL; i++) scale[i] = g->scale, ones[i] = 1;
  for (size_t h = 0; h < g->heads; h++) {
    const size_t row_of_head = h * d * CLUES_PANEL;
    const float *most = sums + 2 * h * sums_stride, *inverse = most + sums_stride;
    for (size_t query = 0; query < tokens; query += CLUES_PANEL) {
      const size_t first = g->first + query, end = first + CLUES_PANEL < g->end ? first + CLUES_PANEL : g->end;
      const NAME(reach) reach = NAME(reach_of)(tokens, g->window, query);
      const size_t count = reach.end - reach.start, lanes = end - first;
      NAME(gather)(g->queries + row_of_head, g->query_stride, d, first, end, queries, CLUES_PANEL);
      for (size_t i = 0; i < d * CLUES_PANEL; i++) queries[i] *= g->scale;
      NAME(gather)(gradient + row_of_head, g->query_stride, d, first, end, dout, CLUES_PANEL);
      NAME(logits)(keys, d, reach, tokens, queries, p);
      NAME(logits)(values, d, reach, tokens, dout, dp);
      float largest[CLUES_PANEL] = {0}, factor[CLUES_PANEL] = {0}, sum[CLUES_PANEL] = {0};
      for (size_t i = 0; i < lanes; i++) largest[i] = most[first + i], factor[i] = inverse[first + i];
      for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < CLUES_PANEL; i++) {
          p[k * CLUES_PANEL + i] = exponential(p[k * CLUES_PANEL + i] - largest[i]) * factor[i];
        }
      }
      NAME(mask)(p, reach, query, tokens, g->window, 0);
      for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < CLUES_PANEL; i++) sum[i] += p[k * CLUES_PANEL + i] * dp[k * CLUES_PANEL + i];
      }
      for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < CLUES_PANEL; i++) {
          dp[k * CLUES_PANEL + i] = p[k * CLUES_PANEL + i] * (dp[k * CLUES_PANEL + i] - sum[i]);
        }
      }
      for (size_t row = 0; row < d; row += strip) {
        const size_t height = d - row < strip ? d - row : strip;
        NAME(side_rows)(key_rows + row * tokens + reach.start * height, height, dp, CLUES_PANEL, dq + row * CLUES_PANEL,
                          CLUES_PANEL, height, CLUES_PANEL, count, is_set);
      }
      NAME(scatter)(dq, CLUES_PANEL, d, first, end, scale, query_gradient + row_of_head, g->query_stride);
      NAME(turn)(queries, d, queries_turned, wide);
      NAME(turn)(dout, d, dout_turned, wide);
      for (size_t k = 0; k < count; k += strip) {
        const size_t height = count - k < strip ? count - k : strip;
        NAME(plain_rows)(dp + k * CLUES_PANEL, CLUES_PANEL, queries_turned, wide, dk + (reach.start + k) * wide, wide, height,
                         wide, lanes, goes_on);
        NAME(plain_rows)(p + k * CLUES_PANEL, CLUES_PANEL, dout_turned, wide, dv + (reach.start + k) * wide, wide, height,
                         wide, lanes, goes_on);
      }
    }
  }
  for (int which = 0; which < 2; which++) {
    const float *from = which ? dv : dk;
    for (size_t key = 0; key < tokens; key += CLUES_PANEL) {
      const size_t first = g->first + key, end = first + CLUES_PANEL < g->end ? first + CLUES_PANEL : g->end;
      for (size_t t = 0; t < CLUES_PANEL; t += 4) {
        size_t row = 0;
        for (; row + 4 <= d; row += 4)
          turn_four(from + (key + t) * wide + row, wide, dq + row * CLUES_PANEL + t, CLUES_PANEL);
        for (; row < d; row++)
          for (size_t i = 0; i < 4; i++) dq[row * CLUES_PANEL + t + i] = from[(key + t + i) * wide + row];
      }
      NAME(scatter)(dq, CLUES_PANEL, d, first, end, ones, which ? value_gradient : key_gradient, g->key_stride);
    }
  }
}
