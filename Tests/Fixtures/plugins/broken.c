/* A plugin with one fault, chosen by FAULT when it is compiled; 0 is none. */
#include "clues_plugin.h"

enum {
  NONE,
  NO_PLUGIN,
  SMALL_PLUGIN,
  NO_NAME,
  MISSING_TABLES,
  MISSING_TABLE,
  SMALL_METHOD,
  NO_DESCRIPTOR,
  SMALL_DESCRIPTOR,
  NO_SUMMARY,
  BAD_ID,
  EMPTY_ID,
  NO_CREATE,
  NO_WORK,
  OTHER_DEFAULT_SPACE,
  UNKNOWN_DEFAULT_SPACE,
  STACK_WITHOUT_COEFFICIENTS,
  NO_FLOAT32,
  HALF_A_SURVEY,
  SMALL_SCORER,
  SCORER_WITHOUT_FINISH,
  UNKNOWN_GRANULARITY,
  SMALL_RULE,
  RULE_WITHOUT_DECIDE,
  SURVEY_OF_COEFFICIENTS,
  ENDLESS_SURVEY,
  /* Of what the scorer says it needs. */
  MISSING_COLUMNS,
  MISSING_COLUMN,
  UNKNOWN_CHECKPOINTS,
  ENDLESS_NEEDS,
  HALF_OF_ROWS
};

#ifndef PARAMETERS
#define PARAMETERS "{}"
#endif
#define IF(fault, then, otherwise) (FAULT == (fault) ? (then) : (otherwise))

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  (void)host;
  (void)parameters;
  *instance = 0;
  return CLUES_OK;
}

static clues_status create_scorer(const clues_scorer *scorer, const clues_host *host,
                                  const clues_parameters *parameters, void **instance) {
  (void)scorer;
  return create(0, host, parameters, instance);
}

static clues_status create_rule(const clues_threshold_rule *rule, const clues_host *host,
                                const clues_parameters *parameters, void **instance) {
  (void)rule;
  return create(0, host, parameters, instance);
}

static void destroy(void *instance) { (void)instance; }

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  (void)instance;
  (void)unit;
  (void)output;
  return CLUES_OK;
}

static clues_status coefficients(void *instance, const clues_merge_unit *unit, double *target) {
  (void)instance;
  (void)unit;
  (void)target;
  return CLUES_OK;
}

static uint64_t survey_size(void *instance, uint32_t input_count) {
  (void)instance;
  return input_count;
}

static clues_status survey(void *instance, const clues_merge_unit *unit, uint32_t pass, void *record) {
  (void)instance;
  (void)unit;
  (void)pass;
  (void)record;
  return CLUES_OK;
}

static uint64_t note_size(void *instance) {
  (void)instance;
  return 8;
}

static clues_status combine(void *instance, uint32_t pass, void *into, const void *other) {
  (void)instance;
  (void)pass;
  (void)into;
  (void)other;
  return CLUES_OK;
}

static clues_status needs(void *instance, uint32_t alternative, clues_needs *needs) {
  static const char *const columns[] = {"loss", 0};
  (void)instance;
  needs->column_count = 2;
  needs->columns = FAULT == MISSING_COLUMN ? columns : 0;
  needs->checkpoints = FAULT == UNKNOWN_CHECKPOINTS ? 9 : CLUES_CHECKPOINTS_ALL;
  if (FAULT == UNKNOWN_CHECKPOINTS || FAULT == ENDLESS_NEEDS) needs->column_count = 0;
  return FAULT < MISSING_COLUMNS || (alternative > 0 && FAULT != ENDLESS_NEEDS) ? CLUES_UNSUPPORTED : CLUES_OK;
}

static clues_status begin(void *instance, const clues_checkpoint *checkpoint) {
  (void)instance;
  (void)checkpoint;
  return CLUES_OK;
}

static clues_status end(void *instance, const clues_scores *scores) {
  (void)instance;
  (void)scores;
  return CLUES_OK;
}

static clues_status finish(void *instance, uint32_t count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  (void)count;
  (void)checkpoints;
  return end(instance, scores);
}

static clues_status decide(void *instance, uint32_t count, const clues_client_scores *const *clients,
                           double *thresholds) {
  (void)instance;
  (void)count;
  (void)clients;
  (void)thresholds;
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = IF(SMALL_DESCRIPTOR, 40, CLUES_DESCRIPTOR_SIZE),
    .id = IF(BAD_ID, "Bad_Id", IF(EMPTY_ID, "", "broken")),
    .summary = IF(NO_SUMMARY, (const char *)0, "Has one fault."),
    .parameters = PARAMETERS,
};
static const clues_descriptor about_others = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "broken",
    .summary = "Has one fault.",
};

static const clues_merge_method method = {
    .struct_size = IF(SMALL_METHOD, CLUES_MERGE_METHOD_SIZE - 8, CLUES_MERGE_METHOD_SIZE),
    .about = IF(NO_DESCRIPTOR, (const clues_descriptor *)0, &about),
    .spaces = CLUES_SPACE_DELTA | CLUES_SPACE_CORE | IF(STACK_WITHOUT_COEFFICIENTS, CLUES_SPACE_STACK, 0),
    .default_space = IF(OTHER_DEFAULT_SPACE, CLUES_SPACE_FACTORS,
                        IF(UNKNOWN_DEFAULT_SPACE, 64,
                           IF(STACK_WITHOUT_COEFFICIENTS, CLUES_SPACE_STACK, CLUES_SPACE_DELTA))),
    .dtypes = IF(NO_FLOAT32, 1 << CLUES_F64, 1 << CLUES_F32),
    .survey_passes = IF(HALF_A_SURVEY, 1, IF(SURVEY_OF_COEFFICIENTS, 1, IF(ENDLESS_SURVEY, 17, 0))),
    .create = IF(NO_CREATE, 0, create),
    .destroy = destroy,
    .coefficients = IF(SURVEY_OF_COEFFICIENTS, coefficients, 0),
    .merge = IF(NO_WORK, 0, merge),
    .survey_size = survey_size,
    .survey = IF(HALF_A_SURVEY, 0, survey),
    .combine = combine,
    .note_size = IF(HALF_OF_ROWS, note_size, 0),
};

static const clues_scorer scorer = {
    .struct_size = IF(SMALL_SCORER, 8, CLUES_SCORER_SIZE),
    .granularity = IF(UNKNOWN_GRANULARITY, 7, CLUES_SCORES_SAMPLES),
    .about = &about_others,
    .create = create_scorer,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin,
    .end_checkpoint = end,
    .finish = IF(SCORER_WITHOUT_FINISH, 0, finish),
};

static const clues_threshold_rule rule = {
    .struct_size = IF(SMALL_RULE, 0, CLUES_THRESHOLD_RULE_SIZE),
    .about = &about_others,
    .create = create_rule,
    .destroy = destroy,
    .decide = IF(RULE_WITHOUT_DECIDE, 0, decide),
};

static const clues_merge_method *const methods[] = {IF(MISSING_TABLE, (const clues_merge_method *)0, &method)};
static const clues_scorer *const scorers[] = {&scorer};
static const clues_threshold_rule *const rules[] = {&rule};

static const clues_plugin plugin = {
    .struct_size = IF(SMALL_PLUGIN, 16, CLUES_PLUGIN_SIZE),
    .name = IF(NO_NAME, (const char *)0, "broken"),
    .version = "1.0.0",
    .merge_method_count = 1,
    .scorer_count = 1,
    .threshold_rule_count = 1,
    .merge_methods = IF(MISSING_TABLES, (const clues_merge_method *const *)0, methods),
    .scorers = scorers,
    .threshold_rules = rules,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return IF(NO_PLUGIN, (const clues_plugin *)0, &plugin);
}
