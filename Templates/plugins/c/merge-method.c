/* my-plugin: a merge method. This one takes, entry by entry, the weighted sum of the clients times `scale`. */
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

/* What one merge keeps. Nothing that changes is global: several instances work at the same time. */
typedef struct {
  const clues_host *host;
  double scale;
} weighted_sum;

static clues_status fail(const clues_host *host, clues_status status, const char *text) {
  host->set_error(host, text);
  return status;
}

static clues_status create(const clues_merge_method *method, const clues_host *host,
                           const clues_parameters *parameters, void **instance) {
  (void)method;
  weighted_sum *self = malloc(sizeof *self);
  if (!self) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  *self = (weighted_sum){.host = host, .scale = 1};
  for (uint32_t i = 0; i < parameters->count; i++)
    if (strcmp(parameters->items[i]->name, "scale") == 0) self->scale = parameters->items[i]->number;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static int is_matrix(const clues_tensor *tensor) {
  return tensor && tensor->struct_size >= CLUES_TENSOR_SIZE && tensor->dtype == CLUES_F32 && tensor->rank == 2;
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const weighted_sum *self = instance;
  const clues_host *host = self->host;
  if (unit->struct_size < CLUES_MERGE_UNIT_SIZE) return fail(host, CLUES_UNSUPPORTED, "the host's unit is too old");
  if (unit->space != CLUES_SPACE_CORE && unit->space != CLUES_SPACE_DELTA)
    return fail(host, CLUES_UNSUPPORTED, "it means nothing in this space");
  if (unit->part != CLUES_PART_WHOLE) return fail(host, CLUES_UNSUPPORTED, "it takes whole matrices, not parts");
  if (!is_matrix(output)) return fail(host, CLUES_UNSUPPORTED, "the output is no matrix of float32");
  for (uint32_t i = 0; i < unit->input_count; i++)
    if (!is_matrix(unit->inputs[i]->value)) return fail(host, CLUES_UNSUPPORTED, "an input is no matrix of float32");

  for (int64_t row = 0; row < output->shape[0]; row++) {
    if (host->is_cancelled(host)) return fail(host, CLUES_CANCELLED, "cancelled");
    for (int64_t column = 0; column < output->shape[1]; column++) {
      double sum = 0;
      for (uint32_t i = 0; i < unit->input_count; i++) {
        const clues_tensor *value = unit->inputs[i]->value;
        const float *elements = value->data;
        sum += unit->inputs[i]->weight * elements[row * value->strides[0] + column * value->strides[1]];
      }
      float *elements = output->data;
      elements[row * output->strides[0] + column * output->strides[1]] = (float)(self->scale * sum);
    }
  }
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "The weighted sum of the clients, entry by entry.",
    .details = "The result is scale · Σ weight · value.",
    .parameters = "{\"scale\": {\"type\": \"number\", \"default\": 1.0, \"minimum\": 0,"
                  " \"description\": \"A factor for the whole result.\"}}",
};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_CORE | CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};

static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
