/*
 * A merge method that keeps the contract: the weighted sum of the clients. Every plugin in this folder is this one with
 * one fault, put in where a macro of its file says:
 *
 *   ON_LOAD, ON_ENTRY, ON_CREATE, ON_DESTROY, ON_MERGE   statements at the start of these
 *   AFTER_MERGE                                          a statement at the end of a merge
 *   REFUSE_UNKNOWN, PARAMETERS, ABI_MINOR, SPACES, MORE_OF_TABLE and others, each where it is used
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

#ifndef ON_ENTRY
#define ON_ENTRY
#endif
#ifndef ON_CREATE
#define ON_CREATE
#endif
#ifndef ON_DESTROY
#define ON_DESTROY free(instance);
#endif
#ifndef ON_MERGE
#define ON_MERGE
#endif
#ifndef AFTER_MERGE
#define AFTER_MERGE
#endif
#ifndef ROWS
#define ROWS output->shape[0]
#endif
#ifndef OUTPUT_STRIDES
#define OUTPUT_STRIDES output->strides
#define INPUT_STRIDES value->strides
#endif
#ifndef PARAMETERS
#define PARAMETERS "{\"lambda\": {\"type\": \"number\", \"default\": 1, \"minimum\": 0, \"maximum\": 2}}"
#endif
#ifndef TAKES_PARAMETER
#define TAKES_PARAMETER(name) (strcmp(name, "lambda") == 0)
#endif
#ifndef ABI_MINOR
#define ABI_MINOR CLUES_ABI_MINOR
#endif
#ifndef IS_CANCELLED
#define IS_CANCELLED self->host->is_cancelled(self->host)
#endif
#ifndef ENTRY
#define ENTRY return &plugin;
#endif
#ifndef MORE_OF_TABLE
#define MORE_OF_TABLE
#endif
#ifndef SPACES
#define SPACES CLUES_SPACE_CORE | CLUES_SPACE_DELTA | CLUES_SPACE_FACTORS
#endif

typedef struct {
  const clues_host *host;
  double lambda;
} sum;

static clues_status refuse(const clues_host *host, clues_status status, const char *reason) {
  host->set_error(host, reason);
  return status;
}

static clues_status create(const clues_merge_method *method, const clues_host *host,
                           const clues_parameters *parameters, void **instance) {
  (void)method;
  sum *self = malloc(sizeof *self);
  if (!self) return refuse(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  self->host = host;
  self->lambda = 1;
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *parameter = parameters->items[i];
    if (!TAKES_PARAMETER(parameter->name) || parameter->type != CLUES_PARAMETER_NUMBER || isnan(parameter->number)) {
      free(self);
      return refuse(host, CLUES_INVALID_ARGUMENT, "there is no such parameter of that type");
    }
    self->lambda = parameter->number;
  }
  ON_CREATE
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { ON_DESTROY }

#ifndef REFUSE_UNKNOWN
#define REFUSE_UNKNOWN                                                                                       \
  if (output->dtype != CLUES_F32 || output->rank != 2 ||                                                     \
      !(unit->space == CLUES_SPACE_CORE || unit->space == CLUES_SPACE_DELTA ||                               \
        unit->space == CLUES_SPACE_FACTORS) ||                                                               \
      unit->part > CLUES_PART_B)                                                                             \
    return refuse(self->host, CLUES_UNSUPPORTED, "this dtype, rank, space or part is not supported");
#endif

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const sum *self = instance;
  REFUSE_UNKNOWN
  ON_MERGE
  for (int64_t row = 0; row < ROWS; row++) {
    if (IS_CANCELLED) return refuse(self->host, CLUES_CANCELLED, "cancelled");
    for (int64_t column = 0; column < output->shape[1]; column++) {
      double total = 0;
      for (uint32_t i = 0; i < unit->input_count; i++) {
        const clues_tensor *value = unit->inputs[i]->value;
        const int64_t *strides = INPUT_STRIDES;
        total += unit->inputs[i]->weight * ((const float *)value->data)[row * strides[0] + column * strides[1]];
      }
      const int64_t *strides = OUTPUT_STRIDES;
      ((float *)output->data)[row * strides[0] + column * strides[1]] = (float)(self->lambda * total);
    }
  }
  AFTER_MERGE
  return CLUES_OK;
}

static const clues_descriptor about = {.struct_size = CLUES_DESCRIPTOR_SIZE,
                                       .id = "sum",
                                       .summary = "The weighted sum of the clients.",
                                       .parameters = PARAMETERS};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = SPACES,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
    MORE_OF_TABLE
};

static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = ABI_MINOR,
    .name = "bad",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  ON_ENTRY
  ENTRY
}
