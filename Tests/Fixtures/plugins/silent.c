/*
 * A merge method, a scorer of samples, a scorer of clients and a threshold rule that answer CLUES_OK and leave their outputs
 * as they were: of a matrix all but the first `written` elements, of lists all but the first `written` numbers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

typedef struct {
  uint64_t written;
  uint64_t count;
  int takes_notes;
} silent;

static clues_status make(const clues_host *host, const clues_parameters *parameters, void **instance) {
  silent *self = calloc(1, sizeof *self);
  if (!self) {
    host->set_error(host, "no memory is left");
    return CLUES_OUT_OF_MEMORY;
  }
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *p = parameters->items[i];
    if (strcmp(p->name, "written") == 0) self->written = (uint64_t)p->integer;
    if (strcmp(p->name, "notes") == 0) self->takes_notes = p->integer != 0;
  }
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

/* ---------------------------------------------------------------------------------------------------- merge method */

static clues_status create_method(const clues_merge_method *method, const clues_host *host,
                                  const clues_parameters *parameters, void **instance) {
  (void)method;
  return make(host, parameters, instance);
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const silent *self = instance;
  (void)unit;
  for (uint64_t i = 0; i < self->written; i++) ((float *)output->data)[i] = 1;
  return CLUES_OK;
}

static uint64_t note_size(void *instance) { return ((silent *)instance)->takes_notes ? 8 : 0; }

static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note) {
  (void)instance;
  (void)unit;
  (void)input;
  (void)note;
  return CLUES_OK;
}

static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output) {
  (void)first_row;
  (void)notes;
  return merge(instance, unit, output);
}

static clues_status coefficients(void *instance, const clues_merge_unit *unit, double *target) {
  const silent *self = instance;
  for (uint64_t i = 0; i < self->written && i < unit->input_count; i++) target[i] = 1;
  return CLUES_OK;
}

/* --------------------------------------------------------------------------------------------------------- scorers */

static clues_status create_scorer(const clues_scorer *scorer, const clues_host *host, const clues_parameters *parameters,
                                  void **instance) {
  (void)scorer;
  return make(host, parameters, instance);
}

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  (void)instance;
  (void)needs;
  return alternative == 0 ? CLUES_OK : CLUES_UNSUPPORTED;
}

static clues_status begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  ((silent *)instance)->count = checkpoint->sample_count;
  return CLUES_OK;
}

static clues_status write(const silent *self, const clues_scores *scores) {
  for (uint64_t i = 0; i < self->written && i < scores->count; i++) {
    /* A value that is no number is written all the same; so is a reason. */
    if (i == 0) scores->values[i] = NAN;
    if (i == 1) scores->reasons[i] = "it is the second";
    if (i > 1) scores->values[i] = (double)i;
  }
  return CLUES_OK;
}

static clues_status end_checkpoint(void *instance, const clues_scores *scores) { return write(instance, scores); }

static clues_status finish(void *instance, uint32_t count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  (void)count;
  (void)checkpoints;
  return write(instance, scores);
}

static clues_status score_clients(void *instance, const clues_collection *collection, const clues_scores *scores) {
  (void)collection;
  return write(instance, scores);
}

/* ------------------------------------------------------------------------------------------------------------ rule */

static clues_status create_rule(const clues_threshold_rule *rule, const clues_host *host,
                                const clues_parameters *parameters, void **instance) {
  (void)rule;
  return make(host, parameters, instance);
}

static clues_status decide(void *instance, uint32_t client_count, const clues_client_scores *const *clients,
                           double *thresholds) {
  const silent *self = instance;
  (void)clients;
  for (uint64_t i = 0; i < self->written && i < client_count; i++) thresholds[i] = 1;
  return CLUES_OK;
}

/* ---------------------------------------------------------------------------------------------------------- tables */

#define PARAMETERS                                                              \
  "{\"written\": {\"type\": \"integer\", \"default\": 0, \"minimum\": 0},"      \
  " \"notes\": {\"type\": \"boolean\", \"default\": false}}"

static const clues_descriptor about_merge = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "silent", .summary = "Leaves its output.", .parameters = PARAMETERS};
static const clues_descriptor about_sum = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "silent-sum", .summary = "Leaves coefficients.", .parameters = PARAMETERS};
static const clues_descriptor about_samples = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "silent-samples", .summary = "Leaves scores.", .parameters = PARAMETERS};
static const clues_descriptor about_clients = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "silent-clients", .summary = "Leaves scores.", .parameters = PARAMETERS};
static const clues_descriptor about_rule = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "silent-rule", .summary = "Leaves thresholds.", .parameters = PARAMETERS};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about_merge,
    .spaces = CLUES_SPACE_CORE | CLUES_SPACE_DELTA | CLUES_SPACE_FACTORS,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create_method,
    .destroy = destroy,
    .merge = merge,
    .note_size = note_size,
    .note = note,
    .merge_rows = merge_rows,
};

static const clues_merge_method linear = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about_sum,
    .spaces = CLUES_SPACE_STACK,
    .default_space = CLUES_SPACE_STACK,
    .create = create_method,
    .destroy = destroy,
    .coefficients = coefficients,
};

static const clues_scorer samples = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &about_samples,
    .create = create_scorer,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin_checkpoint,
    .end_checkpoint = end_checkpoint,
    .finish = finish,
};

static const clues_scorer clients = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_CLIENTS,
    .about = &about_clients,
    .create = create_scorer,
    .destroy = destroy,
    .needs = needs,
    .score_clients = score_clients,
};

static const clues_threshold_rule rule = {
    .struct_size = CLUES_THRESHOLD_RULE_SIZE,
    .about = &about_rule,
    .create = create_rule,
    .destroy = destroy,
    .decide = decide,
};

static const clues_merge_method *const methods[] = {&method, &linear};
static const clues_scorer *const scorers[] = {&samples, &clients};
static const clues_threshold_rule *const rules[] = {&rule};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .name = "silent",
    .version = "1.0.0",
    .merge_method_count = 2,
    .scorer_count = 2,
    .threshold_rule_count = 1,
    .merge_methods = methods,
    .scorers = scorers,
    .threshold_rules = rules,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
