/* my-plugin: a scorer. This one scores a sample by its loss, times `scale`: what the model finds hard is worth more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

/* What the scoring of one client keeps. Nothing that changes is global: several instances work at the same time. */
typedef struct {
  const clues_host *host;
  double scale;
  uint64_t sample_count;
  const double *losses; /* lent by the host until the checkpoint ends */
} hard_samples;

static const char *const no_loss = "it has no loss";
static const char *const no_score = "it has no score at one of the checkpoints";

static clues_status fail(const clues_host *host, clues_status status, const char *text) {
  host->set_error(host, text);
  return status;
}

static clues_status create(const clues_scorer *scorer, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)scorer;
  hard_samples *self = malloc(sizeof *self);
  if (!self) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  *self = (hard_samples){.host = host, .scale = 1};
  for (uint32_t i = 0; i < parameters->count; i++)
    if (strcmp(parameters->items[i]->name, "scale") == 0) self->scale = parameters->items[i]->number;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  static const char *const columns[] = {"loss"};
  (void)instance;
  if (alternative > 0) return CLUES_UNSUPPORTED;
  *needs = (clues_needs){.struct_size = CLUES_NEEDS_SIZE, .column_count = 1, .columns = columns};
  return CLUES_OK;
}

static clues_status begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  hard_samples *self = instance;
  if (checkpoint->struct_size < CLUES_CHECKPOINT_SIZE)
    return fail(self->host, CLUES_UNSUPPORTED, "the host's checkpoint is too old");
  self->sample_count = checkpoint->sample_count;
  self->losses = NULL;
  for (uint32_t i = 0; i < checkpoint->column_count; i++)
    if (strcmp(checkpoint->columns[i]->name, "loss") == 0) self->losses = checkpoint->columns[i]->values;
  return self->losses ? CLUES_OK : fail(self->host, CLUES_FAILED_PRECONDITION, "there is no column 'loss'");
}

static clues_status end_checkpoint(void *instance, const clues_scores *scores) {
  const hard_samples *self = instance;
  if (scores->count != self->sample_count)
    return fail(self->host, CLUES_INVALID_ARGUMENT, "the host asks for another number of scores");
  for (uint64_t i = 0; i < scores->count; i++)
    if (isfinite(self->losses[i])) scores->values[i] = self->scale * self->losses[i];
    else scores->reasons[i] = no_loss;
  return CLUES_OK;
}

/* The mean over the checkpoints. */
static clues_status finish(void *instance, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  (void)instance;
  for (uint64_t i = 0; i < scores->count; i++) {
    double sum = 0;
    for (uint32_t c = 0; c < checkpoint_count; c++)
      if (checkpoints[c]->reasons[i]) scores->reasons[i] = no_score;
      else sum += checkpoints[c]->values[i];
    if (!scores->reasons[i]) scores->values[i] = sum / checkpoint_count;
  }
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "Samples with a large loss score high.",
    .details = "The score is scale · loss, and the mean of that over the checkpoints.",
    .parameters = "{\"scale\": {\"type\": \"number\", \"default\": 1.0, \"minimum\": 0,"
                  " \"description\": \"A factor for all scores.\"}}",
};

static const clues_scorer scorer = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &about,
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin_checkpoint,
    .end_checkpoint = end_checkpoint,
    .finish = finish,
};

static const clues_scorer *const scorers[] = {&scorer};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .scorer_count = 1,
    .scorers = scorers,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
