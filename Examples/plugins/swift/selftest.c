/*
 * The smallest host that a plugin can have: loads a library, runs all that it holds on a few made-up numbers, with no
 * parameters set, and prints what comes back, to the last bit. Good for a debugger too.
 *
 *   build/selftest LIBRARY
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

enum { CLIENTS = 3, ROWS = 2, COLUMNS = 3, SAMPLES = 4, DOMAINS = 2, TENSORS = 2, WIDTH = 3, CHECKPOINTS = 2 };

/* ------------------------------------------------------------------------------------------------------------- host */

static void *blocks[1024];
static int block_count;

static void log_line(const clues_host *host, clues_log_level level, const char *text) {
  (void)host;
  printf("  log %u: %s\n", (unsigned)level, text);
}

static void set_error(const clues_host *host, const char *text) {
  (void)host;
  printf("  error: %s\n", text);
}

static uint32_t is_cancelled(const clues_host *host) {
  (void)host;
  return 0;
}

static void *scratch(const clues_host *host, uint64_t size, uint64_t alignment) {
  (void)host;
  void *block = NULL;
  if (alignment < sizeof(void *)) alignment = sizeof(void *);
  if (block_count == 1024 || posix_memalign(&block, alignment, size ? size : 1)) return NULL;
  return blocks[block_count++] = block;
}

static void random_words(const clues_host *host, uint64_t stream, uint64_t offset, uint64_t count, uint64_t *words) {
  (void)host;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t word = stream * 0x9E3779B97F4A7C15u + offset + i + 1; /* splitmix64; the real host has another stream */
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9u;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBu;
    words[i] = word ^ (word >> 31);
  }
}

static const void *extension(const clues_host *host, const char *id) {
  (void)host, (void)id;
  return NULL;
}

static const clues_host host = {
    .struct_size = CLUES_HOST_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .log = log_line,
    .set_error = set_error,
    .is_cancelled = is_cancelled,
    .scratch = scratch,
    .random_words = random_words,
    .extension = extension,
};

static const clues_parameters parameters = {.struct_size = CLUES_PARAMETERS_SIZE};

/* Every call ends here: scratch memory is gone after it. */
static int succeeded(const char *call, clues_status status) {
  while (block_count) free(blocks[--block_count]);
  if (status != CLUES_OK) printf("  %s gave status %u\n", call, (unsigned)status);
  return status == CLUES_OK;
}

/* ---------------------------------------------------------------------------------------------------- merge methods */

static const float matrices[CLIENTS][ROWS * COLUMNS] = {
    {1, -2, 0.5f, 0, 3, -0.25f}, {0.75f, 1, 0.5f, 0, -1, -4}, {-0.625f, -1, 2, 0, 0.3f, -0.1f}};
static const double weights[CLIENTS] = {1, 0.5, 2};
static const char *const clients[CLIENTS] = {"ada", "bob", "cyd"};

static clues_tensor matrix(const int64_t *shape, const int64_t *strides, const void *data, uint32_t flags) {
  clues_tensor tensor = {.struct_size = CLUES_TENSOR_SIZE, .dtype = CLUES_F32, .rank = 2};
  tensor.flags = CLUES_TENSOR_CONTIGUOUS | flags;
  tensor.shape = shape;
  tensor.strides = strides;
  tensor.data = (void *)data;
  return tensor;
}

static void run_merge(const clues_merge_method *method, void *instance, uint32_t count) {
  const int64_t shape[] = {ROWS, COLUMNS}, strides[] = {COLUMNS, 1};
  clues_tensor values[CLIENTS];
  clues_merge_input inputs[CLIENTS];
  const clues_merge_input *list[CLIENTS];
  double products[CLIENTS * CLIENTS] = {0};
  float result[ROWS * COLUMNS];
  for (uint32_t i = 0; i < count; i++) {
    values[i] = matrix(shape, strides, matrices[i], 0);
    inputs[i] = (clues_merge_input){.struct_size = CLUES_MERGE_INPUT_SIZE, .index = i, .client = clients[i]};
    inputs[i].weight = count == 1 ? 1 : weights[i];
    inputs[i].stream = i;
    inputs[i].value = method->coefficients ? NULL : &values[i];
    list[i] = &inputs[i];
    for (uint32_t j = 0; j < count; j++)
      for (int e = 0; e < ROWS * COLUMNS; e++) products[i * count + j] += (double)matrices[i][e] * matrices[j][e];
  }
  clues_merge_unit unit = {.struct_size = CLUES_MERGE_UNIT_SIZE, .space = method->default_space, .module = "q_proj"};
  unit.input_count = count;
  unit.inputs = list;
  unit.inner_products = unit.adapter_inner_products = products;
  if (method->coefficients) {
    double coefficients[CLIENTS];
    if (!succeeded("coefficients", method->coefficients(instance, &unit, coefficients))) return;
    for (uint32_t i = 0; i < count; i++) printf("  coefficient of %s: %.17g\n", clients[i], coefficients[i]);
    return;
  }
  clues_tensor output = matrix(shape, strides, result, CLUES_TENSOR_WRITABLE);
  if (!succeeded("merge", method->merge(instance, &unit, &output))) return;
  for (int row = 0; row < ROWS; row++, printf("\n"))
    for (int e = 0; e < COLUMNS; e++) printf("%s%.9g", e ? " " : "  ", result[row * COLUMNS + e]);
}

static void run_method(const clues_merge_method *method) {
  printf("merge method %s\n", method->about->id);
  if (method->survey_passes) {
    printf("  sees all modules first; `clues plugins check` runs it\n");
    return;
  }
  for (uint32_t count = 1; count <= CLIENTS; count += CLIENTS - 1) {
    void *instance = NULL;
    if (method->minimum_inputs > count || (method->maximum_inputs && method->maximum_inputs < count)) continue;
    printf("  %u input%s\n", count, count == 1 ? "" : "s");
    if (method->create && !succeeded("create", method->create(method, &host, &parameters, &instance))) continue;
    run_merge(method, instance, count);
    if (instance) method->destroy(instance);
  }
}

/* ---------------------------------------------------------------------------------------------------------- scorers */

static const char *const ids[SAMPLES] = {"first", "second", "empty", "anchor"};
static const uint32_t splits[SAMPLES] = {CLUES_SPLIT_TRAIN, CLUES_SPLIT_TRAIN, CLUES_SPLIT_TRAIN, CLUES_SPLIT_ANCHOR};
static const char *const domains[DOMAINS] = {"ada", "bob"};
static const float gradients[TENSORS][SAMPLES * WIDTH] = {
    {1, 2, -1, 0.5f, 0, 0.1f, 0, 0, 0, -1, 3, 2}, {0.25f, -2, 1, 4, 0.3f, 1, 0, 0, 0, 1, 1, 0.7f}};
static const float means[TENSORS][DOMAINS][WIDTH] = {{{1, 1, 0}, {0.5f, -1, 2}}, {{0.1f, 0, 1}, {1, 0.2f, -3}}};
static const float first_moments[WIDTH] = {0.1f, -0.2f, 0.3f}, second_moments[WIDTH] = {0.01f, 0.04f, 0.09f};

static void print_scores(const clues_scores *scores, const char *const *names) {
  for (uint64_t i = 0; i < scores->count; i++)
    if (scores->reasons[i]) printf("  %s: no score, %s\n", names[i], scores->reasons[i]);
    else printf("  %s: %.17g\n", names[i], scores->values[i]);
}

static clues_scores empty_scores(double *values, const char **reasons, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) values[i] = NAN, reasons[i] = NULL;
  clues_scores scores = {.struct_size = CLUES_SCORES_SIZE, .count = count};
  scores.values = values;
  scores.reasons = reasons;
  return scores;
}

static int show_gradients(const clues_scorer *scorer, void *instance, uint32_t passes) {
  for (uint32_t t = 0; t < TENSORS; t++) {
    const float *each[DOMAINS] = {means[t][0], means[t][1]};
    clues_gradient_tensor tensor = {.struct_size = CLUES_GRADIENT_TENSOR_SIZE, .index = t, .element_count = WIDTH};
    tensor.name = t ? "q_proj.lora_B.weight" : "q_proj.lora_A.weight";
    tensor.first_moment = first_moments;
    tensor.second_moment = second_moments;
    tensor.validation_means = tensor.validation_samples = each; /* one validation sample in each domain */
    if (!succeeded("begin_tensor", scorer->begin_tensor(instance, &tensor))) return 0;
    for (uint32_t pass = 0; pass < passes; pass++)
      for (uint64_t row = 0; row < SAMPLES; row += 3) { /* blocks of 3 and 1 rows */
        clues_gradient_rows rows = {.struct_size = CLUES_GRADIENT_ROWS_SIZE, .pass = pass, .first_sample = row};
        rows.row_count = row + 3 <= SAMPLES ? 3 : SAMPLES - row;
        rows.values = gradients[t] + row * WIDTH;
        if (!succeeded("update", scorer->update(instance, &rows))) return 0;
      }
    if (!succeeded("end_tensor", scorer->end_tensor(instance))) return 0;
  }
  return 1;
}

static int score_checkpoint(const clues_scorer *scorer, void *instance, const clues_needs *needs, uint32_t index,
                            uint32_t count, const clues_scores *scores) {
  enum { MOST = 64 };
  static char names[MOST][128];
  static double values[MOST][SAMPLES];
  clues_column columns[MOST];
  const clues_column *list[MOST];
  uint32_t column_count = 0;
  for (uint32_t i = 0; i < needs->column_count; i++) {
    size_t length = strlen(needs->columns[i]);
    int is_each = length > 1 && strcmp(needs->columns[i] + length - 2, ".*") == 0;
    for (int domain = 0; domain < (is_each ? DOMAINS : 1) && column_count < MOST; domain++) {
      snprintf(names[column_count], 128, "%.*s%s", (int)length - is_each, needs->columns[i],
               is_each ? domains[domain] : "");
      for (int s = 0; s < SAMPLES; s++)
        values[column_count][s] = s == 2 ? NAN : 0.5 + 0.25 * s + column_count + index;
      columns[column_count] = (clues_column){.struct_size = CLUES_COLUMN_SIZE, .name = names[column_count]};
      columns[column_count].values = values[column_count];
      list[column_count] = &columns[column_count];
      column_count++;
    }
  }
  const uint64_t validation_counts[DOMAINS] = {1, 1};
  double norms[DOMAINS] = {0};
  for (int d = 0; d < DOMAINS; d++) {
    for (int t = 0; t < TENSORS; t++)
      for (int e = 0; e < WIDTH; e++) norms[d] += (double)means[t][d][e] * means[t][d][e];
    norms[d] = sqrt(norms[d]);
  }
  const double *const validation_norms[DOMAINS] = {&norms[0], &norms[1]};
  clues_checkpoint checkpoint = {.struct_size = CLUES_CHECKPOINT_SIZE, .client = "ada", .step = 10 * (index + 1)};
  checkpoint.index = index;
  checkpoint.count = count;
  checkpoint.learning_rate = needs->evidence & CLUES_EVIDENCE_LEARNING_RATE ? 0.001 : NAN;
  checkpoint.beta1 = 0.9;
  checkpoint.beta2 = 0.999;
  checkpoint.epsilon = 1e-8;
  checkpoint.optimizer_step = 10 * (index + 1);
  checkpoint.sample_count = SAMPLES;
  checkpoint.splits = splits;
  checkpoint.ids = ids;
  checkpoint.domain_count = DOMAINS;
  checkpoint.domains = domains;
  checkpoint.validation_counts = validation_counts;
  checkpoint.validation_norms = validation_norms;
  checkpoint.tensor_count = TENSORS;
  checkpoint.column_count = column_count;
  checkpoint.columns = list;
  if (!succeeded("begin_checkpoint", scorer->begin_checkpoint(instance, &checkpoint))) return 0;
  if (needs->evidence & CLUES_EVIDENCE_GRADIENTS && !show_gradients(scorer, instance, needs->passes)) return 0;
  return succeeded("end_checkpoint", scorer->end_checkpoint(instance, scores));
}

static void run_scorer(const clues_scorer *scorer) {
  void *instance = NULL;
  clues_needs needs = {0};
  double values[CHECKPOINTS + 1][SAMPLES];
  const char *reasons[CHECKPOINTS + 1][SAMPLES];
  clues_scores scores[CHECKPOINTS + 1];
  const clues_scores *list[CHECKPOINTS];
  printf("scorer %s\n", scorer->about->id);
  if (scorer->create && !succeeded("create", scorer->create(scorer, &host, &parameters, &instance))) return;
  if (scorer->granularity == CLUES_SCORES_CLIENTS) {
    const uint32_t anchors[2] = {1, 0}, owners[4] = {0, 0, 1, 1};
    const uint64_t steps[4] = {10, 20, 10, 20};
    double products[16];
    for (int i = 0; i < 16; i++) products[i] = i % 5 ? 0.5 : 1 + i / 5;
    clues_collection collection = {.struct_size = CLUES_COLLECTION_SIZE, .client_count = 2, .clients = clients};
    collection.anchors = anchors;
    collection.adapter_count = 4;
    collection.owners = owners;
    collection.steps = steps;
    collection.inner_products = products;
    scores[0] = empty_scores(values[0], reasons[0], 2);
    if (succeeded("score_clients", scorer->score_clients(instance, &collection, &scores[0])))
      print_scores(&scores[0], clients);
  } else if (succeeded("needs", scorer->needs(instance, 0, &needs))) {
    uint32_t count = needs.checkpoints == CLUES_CHECKPOINTS_LAST ? 1 : CHECKPOINTS, done = 0;
    while (done < count) {
      scores[done] = empty_scores(values[done], reasons[done], SAMPLES);
      if (!score_checkpoint(scorer, instance, &needs, done, count, &scores[done])) break;
      printf("  at checkpoint %u\n", done);
      print_scores(&scores[done], ids);
      list[done] = &scores[done];
      done++;
    }
    scores[CHECKPOINTS] = empty_scores(values[CHECKPOINTS], reasons[CHECKPOINTS], SAMPLES);
    if (done == count && succeeded("finish", scorer->finish(instance, count, list, &scores[CHECKPOINTS]))) {
      printf("  over all checkpoints\n");
      print_scores(&scores[CHECKPOINTS], ids);
    }
  }
  if (instance) scorer->destroy(instance);
}

/* -------------------------------------------------------------------------------------------------- threshold rules */

static void run_rule(const clues_threshold_rule *rule) {
  void *instance = NULL;
  double thresholds[2] = {NAN, NAN};
  const double ada[] = {0.5, 1.25, -2, 0.75}, bob[] = {3, -0.5, 0.25};
  const uint32_t ada_splits[] = {0, 0, 0, 1}, bob_splits[] = {0, 1, 1};
  const clues_client_scores scores[2] = {
      {.struct_size = CLUES_CLIENT_SCORES_SIZE, .client = "ada", .count = 4, .values = ada, .splits = ada_splits},
      {.struct_size = CLUES_CLIENT_SCORES_SIZE, .client = "bob", .count = 3, .values = bob, .splits = bob_splits}};
  const clues_client_scores *const list[2] = {&scores[0], &scores[1]};
  printf("threshold rule %s\n", rule->about->id);
  if (rule->create && !succeeded("create", rule->create(rule, &host, &parameters, &instance))) return;
  if (succeeded("decide", rule->decide(instance, 2, list, thresholds)))
    for (int i = 0; i < 2; i++) printf("  %s: %.17g\n", scores[i].client, thresholds[i]);
  if (instance) rule->destroy(instance);
}

int main(int count, char **arguments) {
  if (count != 2) return fprintf(stderr, "usage: selftest LIBRARY\n"), 64;
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  const clues_plugin *(*entry)(uint32_t) = NULL;
  *(void **)&entry = dlsym(library, CLUES_PLUGIN_ENTRY);
  const clues_plugin *plugin = entry ? entry(CLUES_ABI_MINOR) : NULL;
  if (!plugin || plugin != entry(CLUES_ABI_MINOR)) return fprintf(stderr, "its entry gives no lasting table\n"), 1;
  printf("%s %s\n", plugin->name, plugin->version);
  for (uint32_t i = 0; i < plugin->merge_method_count; i++) run_method(plugin->merge_methods[i]);
  for (uint32_t i = 0; i < plugin->scorer_count; i++) run_scorer(plugin->scorers[i]);
  for (uint32_t i = 0; i < plugin->threshold_rule_count; i++) run_rule(plugin->threshold_rules[i]);
  return 0;
}
