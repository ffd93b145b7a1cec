/* Linear methods and a scorer that look at everything the host hands over and tell what they saw through its log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

static void say(const clues_host *host, const char *text) { host->log(host, CLUES_LOG_INFO, text); }

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  char line[512];
  (void)method;
  if (host->struct_size < CLUES_HOST_SIZE || parameters->struct_size < CLUES_PARAMETERS_SIZE) return CLUES_INTERNAL;
  if (host->abi_minor != CLUES_ABI_MINOR || host->extension(host, "clues.unknown/1")) return CLUES_INTERNAL;
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *p = parameters->items[i];
    if (p->struct_size < CLUES_PARAMETER_SIZE) return CLUES_INTERNAL;
    int length = snprintf(line, sizeof line, "%s type %u flags %u:", p->name, (unsigned)p->type, (unsigned)p->flags);
    switch (p->type) {
    case CLUES_PARAMETER_NUMBER:
      snprintf(line + length, sizeof line - length, " %g", p->number);
      break;
    case CLUES_PARAMETER_INTEGER:
      snprintf(line + length, sizeof line - length, " %lld %g", (long long)p->integer, p->number);
      break;
    case CLUES_PARAMETER_BOOLEAN:
      snprintf(line + length, sizeof line - length, " %lld", (long long)p->integer);
      break;
    case CLUES_PARAMETER_TEXT:
      snprintf(line + length, sizeof line - length, " '%s'", p->text);
      break;
    case CLUES_PARAMETER_NUMBERS:
      for (uint32_t n = 0; n < p->count; n++)
        length += snprintf(line + length, sizeof line - length, " %g", p->numbers[n]);
      break;
    default:
      return CLUES_UNSUPPORTED;
    }
    say(host, line);
  }
  *instance = (void *)(uintptr_t)host; /* the host outlives the instance */
  return CLUES_OK;
}

static void destroy(void *instance) { say(instance, "destroyed"); }

static clues_status coefficients(void *instance, const clues_merge_unit *unit, double *target) {
  const clues_host *host = instance;
  char line[512];
  if (unit->struct_size < CLUES_MERGE_UNIT_SIZE) return CLUES_INTERNAL;
  snprintf(line, sizeof line, "unit %s space %u part %u inputs %u", unit->module, (unsigned)unit->space,
           (unsigned)unit->part, (unsigned)unit->input_count);
  say(host, line);
  for (uint32_t i = 0; i < unit->input_count; i++) {
    const clues_merge_input *input = unit->inputs[i];
    if (input->struct_size < CLUES_MERGE_INPUT_SIZE) return CLUES_INTERNAL;
    snprintf(line, sizeof line, "input %s weight %g stream %llu value %s", input->client, input->weight,
             (unsigned long long)input->stream, input->value ? "there" : "null");
    say(host, line);
    target[i] = unit->inner_products ? unit->inner_products[i * unit->input_count + i] : input->weight;
  }

  /* Scratch memory: aligned as asked, all of it ours, refused when absurd. */
  const uint64_t alignments[] = {1, 2, 4, 8, 16, 64, 4096};
  for (int i = 0; i < 7; i++) {
    unsigned char *bytes = host->scratch(host, 1000, alignments[i]);
    if (!bytes || (uintptr_t)bytes % alignments[i]) return CLUES_INTERNAL;
    memset(bytes, 0xAB, 1000);
  }
  if (!host->scratch(host, 0, 8)) return CLUES_INTERNAL;
  if (host->scratch(host, UINT64_MAX, 8) || host->scratch(host, (uint64_t)1 << 62, 8)) return CLUES_INTERNAL;
  if (host->scratch(host, 8, 48) || host->scratch(host, 8, UINT64_MAX)) return CLUES_INTERNAL;

  uint64_t words[3];
  host->random_words(host, 42, 7, 3, words);
  snprintf(line, sizeof line, "words %016llx %016llx %016llx", (unsigned long long)words[0],
           (unsigned long long)words[1], (unsigned long long)words[2]);
  say(host, line);
  host->log(host, CLUES_LOG_WARNING, "a warning");
  host->log(host, (clues_log_level)77, "a level from the future");
  if (host->is_cancelled(host)) {
    host->set_error(host, "stopped");
    return CLUES_CANCELLED;
  }
  host->set_error(host, "an error that was not one after all");
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "probe",
    .summary = "Tells what it sees.",
    .details = "Details.",
    .reference = "Reference.",
    .parameters = "{\"share\": {\"type\": \"number\", \"default\": 0.25, \"minimum\": 0, \"exclusiveMaximum\": 1,"
                  " \"description\": \"A share.\", \"unit\": \"1\"},"
                  "\"count\": {\"type\": \"integer\", \"default\": 3, \"minimum\": 1},"
                  "\"flag\": {\"type\": \"boolean\", \"default\": true},"
                  "\"mode\": {\"type\": \"string\", \"default\": \"fast\", \"enum\": [\"fast\", \"exact\"]},"
                  "\"each\": {\"type\": \"number\", \"default\": 1, \"perInput\": true},"
                  "\"seldom\": {\"type\": \"number\"}}",
};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .flags = CLUES_MERGE_WANTS_INNER_PRODUCTS,
    .about = &about,
    .minimum_inputs = 2,
    .maximum_inputs = 5,
    .spaces = CLUES_SPACE_STACK | CLUES_SPACE_CORE,
    .default_space = CLUES_SPACE_STACK,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .coefficients = coefficients,
};

static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "probe",
    .version = "1.2.3",
    .vendor = "Tests",
    .license = "none",
    .merge_method_count = 1,
    .merge_methods = methods,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
