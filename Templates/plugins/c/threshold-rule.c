/* my-plugin: a threshold rule. This one takes, for all clients, the mean score of all anchors less `margin`. */
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

/* What one decision keeps. Nothing that changes is global: several instances work at the same time. */
typedef struct {
  const clues_host *host;
  double margin;
} anchor_margin;

static clues_status fail(const clues_host *host, clues_status status, const char *text) {
  host->set_error(host, text);
  return status;
}

static clues_status create(const clues_threshold_rule *rule, const clues_host *host,
                           const clues_parameters *parameters, void **instance) {
  (void)rule;
  anchor_margin *self = malloc(sizeof *self);
  if (!self) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  *self = (anchor_margin){.host = host, .margin = 0};
  for (uint32_t i = 0; i < parameters->count; i++)
    if (strcmp(parameters->items[i]->name, "margin") == 0) self->margin = parameters->items[i]->number;
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static clues_status decide(void *instance, uint32_t client_count, const clues_client_scores *const *clients,
                           double *thresholds) {
  const anchor_margin *self = instance;
  double sum = 0;
  uint64_t count = 0;
  for (uint32_t c = 0; c < client_count; c++)
    for (uint64_t i = 0; i < clients[c]->count; i++)
      if (clients[c]->splits[i] > CLUES_SPLIT_ANCHOR)
        return fail(self->host, CLUES_UNSUPPORTED, "a sample is of a split that it does not know");
      else if (clients[c]->splits[i] == CLUES_SPLIT_ANCHOR) sum += clients[c]->values[i], count++;
  if (count == 0) return fail(self->host, CLUES_FAILED_PRECONDITION, "there are no scores of anchors");
  for (uint32_t c = 0; c < client_count; c++) thresholds[c] = sum / (double)count - self->margin;
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "The mean score of all anchors, less a margin.",
    .details = "All clients get the same threshold: the mean score of all clients' anchors, less margin.",
    .parameters = "{\"margin\": {\"type\": \"number\", \"default\": 0,"
                  " \"description\": \"How far below the anchors a sample may be.\"}}",
};

static const clues_threshold_rule rule = {
    .struct_size = CLUES_THRESHOLD_RULE_SIZE,
    .about = &about,
    .create = create,
    .destroy = destroy,
    .decide = decide,
};

static const clues_threshold_rule *const rules[] = {&rule};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .threshold_rule_count = 1,
    .threshold_rules = rules,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
