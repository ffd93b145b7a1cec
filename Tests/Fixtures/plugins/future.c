/* A plugin of a later minor version: every struct has grown, and every set of flags has bits that nobody knows yet. */
#include <string.h>

#include "clues_plugin.h"

#define GARBAGE {0xDEADBEEFDEADBEEF, 0xDEADBEEFDEADBEEF, 0xDEADBEEFDEADBEEF}

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  (void)host;
  (void)parameters;
  *instance = NULL;
  return CLUES_OK;
}

static clues_status create_scorer(const clues_scorer *scorer, const clues_host *host,
                                  const clues_parameters *parameters, void **instance) {
  (void)scorer;
  (void)host;
  (void)parameters;
  *instance = NULL;
  return CLUES_OK;
}

static void destroy(void *instance) { (void)instance; }

static clues_status coefficients(void *instance, const clues_merge_unit *unit, double *target) {
  (void)instance;
  for (uint32_t i = 0; i < unit->input_count; i++) target[i] = 2 * unit->inputs[i]->weight;
  return CLUES_OK;
}

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  static const char *const columns[] = {"loss"};
  (void)instance;
  if (alternative > 1) return CLUES_UNSUPPORTED;
  needs->evidence = alternative == 0 ? 0x40000000 : 0;
  needs->column_count = 1;
  needs->columns = columns;
  return CLUES_OK;
}

static clues_status nothing(void *instance, const clues_checkpoint *checkpoint) {
  (void)instance;
  (void)checkpoint;
  return CLUES_OK;
}

static clues_status scores(void *instance, const clues_scores *scores) {
  (void)instance;
  for (uint64_t i = 0; i < scores->count; i++) scores->values[i] = (double)i;
  return CLUES_OK;
}

static clues_status finish(void *instance, uint32_t count, const clues_scores *const *checkpoints,
                           const clues_scores *target) {
  (void)count;
  (void)checkpoints;
  return scores(instance, target);
}

static const struct {
  clues_descriptor known;
  uint64_t beyond[3];
} about = {{.struct_size = sizeof about,
            .flags = 0xFFFFFFFF,
            .id = "future",
            .summary = "Comes from the future.",
            .parameters = "{}"},
           GARBAGE},
  about_scorer = {{.struct_size = sizeof about_scorer, .id = "future", .summary = "Comes from the future."}, GARBAGE};

static const struct {
  clues_merge_method known;
  uint64_t beyond[3];
} method = {{.struct_size = sizeof method,
             .flags = 0xFFFFFFFC,
             .about = &about.known,
             .spaces = 0xFFFFFFF0 | CLUES_SPACE_STACK,
             .default_space = CLUES_SPACE_STACK,
             .dtypes = 0xFFFFFFFF,
             .create = create,
             .destroy = destroy,
             .coefficients = coefficients},
            GARBAGE};

static const struct {
  clues_scorer known;
  uint64_t beyond[3];
} scorer = {{.struct_size = sizeof scorer,
             .about = &about_scorer.known,
             .create = create_scorer,
             .destroy = destroy,
             .needs = needs,
             .begin_checkpoint = nothing,
             .end_checkpoint = scores,
             .finish = finish},
            GARBAGE};

static const clues_merge_method *const methods[] = {&method.known};
static const clues_scorer *const scorers[] = {&scorer.known};

static const struct {
  clues_plugin known;
  uint64_t beyond[3];
} plugin = {{.struct_size = sizeof plugin,
             .abi_minor = 99,
             .name = "future",
             .version = "9.0.0",
             .merge_method_count = 1,
             .scorer_count = 1,
             .reserved = 0xFFFFFFFF,
             .merge_methods = methods,
             .scorers = scorers},
            GARBAGE};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin.known;
}
