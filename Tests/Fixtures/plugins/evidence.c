/*
 * A scorer of samples, a scorer of clients and a threshold rule.
 *
 * gradient-sum sums all elements of a sample's gradients, weighted with the pass; without gradients it takes the loss.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

typedef struct {
  const clues_host *host;
  double *sums;
  uint64_t count;
  uint64_t width;
  double learning_rate;
  const clues_column *loss;
  uint32_t alternative;
} scorer;

static clues_status create(const clues_scorer *table, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)table;
  (void)parameters;
  scorer *self = calloc(1, sizeof *self);
  if (!self) {
    host->set_error(host, "no memory is left");
    return CLUES_OUT_OF_MEMORY;
  }
  self->host = host;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) {
  free(((scorer *)instance)->sums);
  free(instance);
}

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  static const char *const columns[] = {"loss", "dot.*"};
  (void)instance;
  switch (alternative) {
  case 0:
    needs->evidence = CLUES_EVIDENCE_GRADIENTS | CLUES_EVIDENCE_LEARNING_RATE;
    needs->passes = 2;
    return CLUES_OK;
  case 1:
    needs->checkpoints = CLUES_CHECKPOINTS_LAST;
    needs->column_count = 2;
    needs->columns = columns;
    return CLUES_OK;
  default:
    return CLUES_UNSUPPORTED;
  }
}

static clues_status begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  scorer *self = instance;
  self->alternative = checkpoint->alternative;
  self->count = checkpoint->sample_count;
  self->learning_rate = checkpoint->learning_rate;
  self->loss = NULL;
  for (uint32_t i = 0; i < checkpoint->column_count; i++)
    if (strcmp(checkpoint->columns[i]->name, "loss") == 0) self->loss = checkpoint->columns[i];
  free(self->sums);
  self->sums = calloc(self->count + 1, sizeof *self->sums);
  if (self->alternative == 1 && !self->loss) {
    self->host->set_error(self->host, "there is no column 'loss'");
    return CLUES_FAILED_PRECONDITION;
  }
  return CLUES_OK;
}

static clues_status begin_tensor(void *instance, const clues_gradient_tensor *tensor) {
  ((scorer *)instance)->width = tensor->element_count;
  return CLUES_OK;
}

static clues_status update(void *instance, const clues_gradient_rows *rows) {
  scorer *self = instance;
  for (uint64_t row = 0; row < rows->row_count; row++)
    for (uint64_t element = 0; element < self->width; element++)
      self->sums[rows->first_sample + row] += (rows->pass + 1) * rows->values[row * self->width + element];
  return CLUES_OK;
}

static clues_status end_checkpoint(void *instance, const clues_scores *scores) {
  scorer *self = instance;
  for (uint64_t i = 0; i < scores->count; i++) {
    double value = self->alternative == 1 ? -self->loss->values[i] : self->learning_rate * self->sums[i];
    if (isnan(value))
      scores->reasons[i] = "it has no loss";
    else
      scores->values[i] = value;
  }
  return CLUES_OK;
}

static clues_status finish(void *instance, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  (void)instance;
  for (uint64_t i = 0; i < scores->count; i++) {
    double sum = 0;
    for (uint32_t checkpoint = 0; checkpoint < checkpoint_count; checkpoint++) {
      if (checkpoints[checkpoint]->reasons[i]) scores->reasons[i] = "a checkpoint lacks it";
      sum += checkpoints[checkpoint]->values[i];
    }
    scores->values[i] = sum;
  }
  return CLUES_OK;
}

static clues_status needs_adapters(void *instance, uint32_t alternative, clues_needs *needs) {
  (void)instance;
  if (alternative > 0) return CLUES_UNSUPPORTED;
  needs->evidence = CLUES_EVIDENCE_ADAPTERS;
  return CLUES_OK;
}

/* The norm of each client's last adapter; anchors have none. */
static clues_status score_clients(void *instance, const clues_collection *collection, const clues_scores *scores) {
  (void)instance;
  for (uint32_t adapter = 0; adapter < collection->adapter_count; adapter++)
    scores->values[collection->owners[adapter]] =
        sqrt(collection->inner_products[adapter * collection->adapter_count + adapter]);
  for (uint32_t client = 0; client < collection->client_count; client++)
    if (collection->anchors[client]) scores->reasons[client] = "it is an anchor";
  return CLUES_OK;
}

static clues_status create_rule(const clues_threshold_rule *rule, const clues_host *host,
                                const clues_parameters *parameters, void **instance) {
  (void)rule;
  (void)host;
  (void)parameters;
  *instance = NULL; /* it keeps nothing */
  return CLUES_OK;
}

static void destroy_rule(void *instance) {
  (void)instance;
  abort(); /* nothing was made, so there is nothing to destroy */
}

/* Each client's mean over its anchors; NaN where it has none. */
static clues_status decide(void *instance, uint32_t client_count, const clues_client_scores *const *clients,
                           double *thresholds) {
  (void)instance;
  for (uint32_t client = 0; client < client_count; client++) {
    double sum = 0, count = 0;
    for (uint64_t i = 0; i < clients[client]->count; i++)
      if (clients[client]->splits[i] == CLUES_SPLIT_ANCHOR) {
        sum += clients[client]->values[i];
        count += 1;
      }
    thresholds[client] = sum / count;
  }
  return CLUES_OK;
}

static const clues_descriptor about_gradient_sum = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "gradient-sum", .summary = "The sum of all gradient elements."};
static const clues_descriptor about_norm = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "last-norm", .summary = "The norm of the last adapter."};
static const clues_descriptor about_rule = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "own-anchors", .summary = "The mean of the client's own anchors."};

static const clues_scorer gradient_sum = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &about_gradient_sum,
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin_checkpoint,
    .begin_tensor = begin_tensor,
    .update = update,
    .end_checkpoint = end_checkpoint,
    .finish = finish,
};
static const clues_scorer norm = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_CLIENTS,
    .about = &about_norm,
    .create = create,
    .destroy = destroy,
    .needs = needs_adapters,
    .score_clients = score_clients,
};
static const clues_threshold_rule rule = {
    .struct_size = CLUES_THRESHOLD_RULE_SIZE,
    .about = &about_rule,
    .create = create_rule,
    .destroy = destroy_rule,
    .decide = decide,
};

static const clues_scorer *const scorers[] = {&gradient_sum, &norm};
static const clues_threshold_rule *const rules[] = {&rule};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "evidence",
    .version = "1.0.0",
    .scorer_count = 2,
    .threshold_rule_count = 1,
    .scorers = scorers,
    .threshold_rules = rules,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
