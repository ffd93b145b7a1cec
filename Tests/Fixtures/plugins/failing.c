/* Fails wherever and however its parameters say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

typedef struct {
  const clues_host *host;
  uint32_t status;
  int speaks;
  char where[16];
} failing;

static clues_status fail(const failing *self) {
  if (self->speaks) {
    self->host->set_error(self->host, "never mind");
    self->host->set_error(self->host, "the moon is in the wrong place");
  }
  return (clues_status)self->status;
}

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  failing self = {host, 0, 0, ""};
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *p = parameters->items[i];
    if (strcmp(p->name, "where") == 0) strncpy(self.where, p->text, sizeof self.where - 1);
    if (strcmp(p->name, "status") == 0) self.status = (uint32_t)p->integer;
    if (strcmp(p->name, "speaks") == 0) self.speaks = p->integer != 0;
  }
  failing *copy = malloc(sizeof *copy);
  if (!copy) return CLUES_OUT_OF_MEMORY;
  *copy = self;
  *instance = copy;
  if (strcmp(self.where, "create") == 0) {
    clues_status status = fail(&self);
    free(copy); /* the host must not destroy it again, though it still sees the pointer */
    return status;
  }
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static clues_status coefficients(void *instance, const clues_merge_unit *unit, double *target) {
  failing *self = instance;
  for (uint32_t i = 0; i < unit->input_count; i++) target[i] = 1;
  if (strcmp(self->where, "nan") == 0) target[0] = NAN;
  if (strcmp(self->where, "infinity") == 0) target[0] = INFINITY;
  return strcmp(self->where, "coefficients") == 0 ? fail(self) : CLUES_OK;
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  failing *self = instance;
  (void)unit;
  (void)output;
  return strcmp(self->where, "merge") == 0 ? fail(self) : CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "failing",
    .summary = "Fails as it is told.",
    .parameters = "{\"where\": {\"type\": \"string\"}, \"status\": {\"type\": \"integer\", \"default\": 5},"
                  "\"speaks\": {\"type\": \"boolean\", \"default\": true}}",
};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .spaces = CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .coefficients = coefficients,
    .merge = merge,
};

static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .name = "failing",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
