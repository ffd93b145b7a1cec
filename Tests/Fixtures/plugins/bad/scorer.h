/*
 * A scorer that keeps the contract: the sum of a sample's gradient elements. Every plugin that includes this has one fault,
 * put in where a macro of its file says: ON_UPDATE, SAMPLE, SCORED, PASSES, LAST_ALTERNATIVE.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

#ifndef ON_UPDATE
#define ON_UPDATE
#endif
#ifndef SAMPLE
#define SAMPLE rows->first_sample + row
#endif
#ifndef SCORED
#define SCORED scores->count
#endif
#ifndef PASSES
#define PASSES 1
#endif
#ifndef LAST_ALTERNATIVE
#define LAST_ALTERNATIVE 0
#endif

typedef struct {
  const clues_host *host;
  double *sums;
  uint64_t count;
  uint64_t width;
} sums;

static clues_status create(const clues_scorer *scorer, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)scorer;
  if (parameters->count > 0) {
    host->set_error(host, "there are no parameters");
    return CLUES_INVALID_ARGUMENT;
  }
  sums *self = calloc(1, sizeof *self);
  if (!self) {
    host->set_error(host, "there is no memory for an instance");
    return CLUES_OUT_OF_MEMORY;
  }
  self->host = host;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) {
  free(((sums *)instance)->sums);
  free(instance);
}

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  (void)instance;
  if (alternative > LAST_ALTERNATIVE) return CLUES_UNSUPPORTED;
  needs->evidence = CLUES_EVIDENCE_GRADIENTS;
  needs->passes = PASSES;
  return CLUES_OK;
}

static clues_status begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  sums *self = instance;
  free(self->sums);
  self->count = checkpoint->sample_count;
  self->sums = calloc(self->count + 1, sizeof *self->sums);
  return CLUES_OK;
}

static clues_status begin_tensor(void *instance, const clues_gradient_tensor *tensor) {
  ((sums *)instance)->width = tensor->element_count;
  return CLUES_OK;
}

static clues_status update(void *instance, const clues_gradient_rows *rows) {
  sums *self = instance;
  if (self->host->is_cancelled(self->host)) {
    self->host->set_error(self->host, "cancelled");
    return CLUES_CANCELLED;
  }
  ON_UPDATE
  for (uint64_t row = 0; row < rows->row_count; row++)
    for (uint64_t element = 0; element < self->width; element++)
      self->sums[SAMPLE] += rows->values[row * self->width + element];
  return CLUES_OK;
}

static clues_status end_checkpoint(void *instance, const clues_scores *scores) {
  const sums *self = instance;
  for (uint64_t i = 0; i < SCORED; i++) {
    if (isfinite(self->sums[i]))
      scores->values[i] = self->sums[i];
    else
      scores->reasons[i] = "its gradient is not finite";
  }
  return CLUES_OK;
}

static clues_status finish(void *instance, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  (void)instance;
  for (uint64_t i = 0; i < scores->count; i++) {
    double sum = 0;
    for (uint32_t place = 0; place < checkpoint_count; place++) {
      sum += checkpoints[place]->values[i];
      if (checkpoints[place]->reasons[i]) scores->reasons[i] = "it has no score at a checkpoint";
    }
    scores->values[i] = sum;
  }
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "sums", .summary = "The sum of a sample's gradient."};

static const clues_scorer scorer = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &about,
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin_checkpoint,
    .begin_tensor = begin_tensor,
    .update = update,
    .end_checkpoint = end_checkpoint,
    .finish = finish,
};

static const clues_scorer *const scorers[] = {&scorer};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "bad",
    .version = "1.0.0",
    .scorer_count = 1,
    .scorers = scorers,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
