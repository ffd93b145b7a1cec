/*
 * Scales every client so that its largest entry in the whole adapter is 1, and adds the clients up.
 *
 * Pass 0 finds the largest magnitude of each client; pass 1 counts, as a check, the entries that reach it.
 */
#include <stdlib.h>

#include "clues_plugin.h"

typedef struct {
  const clues_host *host;
  uint32_t clients;
} scaling;

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  (void)parameters;
  scaling *self = malloc(sizeof *self);
  if (!self) return CLUES_OUT_OF_MEMORY;
  self->host = host;
  self->clients = 0;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static uint64_t survey_size(void *instance, uint32_t input_count) {
  ((scaling *)instance)->clients = input_count;
  return input_count * sizeof(double);
}

static clues_status survey(void *instance, const clues_merge_unit *unit, uint32_t pass, void *record) {
  double *numbers = record;
  const double *largest = unit->survey;
  if (unit->survey_size != ((scaling *)instance)->clients * sizeof(double)) return CLUES_INTERNAL;
  for (uint32_t i = 0; i < unit->input_count; i++) {
    const clues_tensor *value = unit->inputs[i]->value;
    const uint32_t client = unit->inputs[i]->index;
    for (int64_t element = 0; element < value->shape[0] * value->shape[1]; element++) {
      const double entry = ((const float *)value->data)[element], magnitude = entry < 0 ? -entry : entry;
      if (pass == 0 && magnitude > numbers[client]) numbers[client] = magnitude;
      if (pass == 1 && magnitude == largest[client]) numbers[client] += 1;
    }
  }
  return CLUES_OK;
}

static clues_status combine(void *instance, uint32_t pass, void *into, const void *other) {
  double *sum = into;
  const double *term = other;
  for (uint32_t client = 0; client < ((scaling *)instance)->clients; client++)
    if (pass == 1)
      sum[client] += term[client];
    else if (term[client] > sum[client])
      sum[client] = term[client];
  return CLUES_OK;
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  scaling *self = instance;
  const double *largest = unit->survey, *reached = largest + unit->survey_size / sizeof(double);
  for (uint32_t i = 0; i < unit->input_count; i++)
    if (reached[unit->inputs[i]->index] < 1) {
      self->host->set_error(self->host, "the second pass did not see what the first one found");
      return CLUES_INTERNAL;
    }
  for (int64_t element = 0; element < output->shape[0] * output->shape[1]; element++) {
    double sum = 0;
    for (uint32_t i = 0; i < unit->input_count; i++)
      sum += ((const float *)unit->inputs[i]->value->data)[element] / largest[unit->inputs[i]->index];
    ((float *)output->data)[element] = (float)sum;
  }
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE, .id = "scaled-sum", .summary = "The sum of the clients, scaled to one."};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .spaces = CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .survey_passes = 2,
    .create = create,
    .destroy = destroy,
    .merge = merge,
    .survey_size = survey_size,
    .survey = survey,
    .combine = combine,
};

static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "survey",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
