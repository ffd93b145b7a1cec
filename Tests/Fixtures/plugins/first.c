/* The smallest merge method: the first client's matrix, times its weight. */
#include "clues_plugin.h"

#define EXPORT __attribute__((visibility("default")))

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  (void)parameters;
  *instance = (void *)host;
  return CLUES_OK;
}

static void destroy(void *instance) { (void)instance; }

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const clues_host *host = instance;
  if (unit->input_count < 1) {
    host->set_error(host, "there is no first client");
    return CLUES_INVALID_ARGUMENT;
  }
  const float *source = unit->inputs[0]->value->data;
  float *target = output->data;
  int64_t count = output->shape[0] * output->shape[1];
  for (int64_t i = 0; i < count; i++) target[i] = (float)(unit->inputs[0]->weight * source[i]);
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "example.first",
    .summary = "The first client's matrix.",
};

static const clues_merge_method first = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_FACTORS | CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};

static const clues_merge_method *const methods[] = {&first};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "first",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

EXPORT const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
