/* Looks at the whole adapter first, and takes a client's place among all clients for its place among the inputs. */
#include "clues_plugin.h"
static uint64_t survey_size(void *instance, uint32_t input_count) {
  (void)instance;
  return input_count * sizeof(double);
}
static clues_status survey(void *instance, const clues_merge_unit *unit, uint32_t pass, void *record) {
  (void)pass;
  const clues_host *host = *(const clues_host **)instance;
  for (uint32_t i = 0; i < unit->input_count; i++) {
    const uint32_t client = unit->inputs[i]->index;
    const clues_merge_input *input = unit->inputs[client];
    if (input->value->dtype != CLUES_F32 || input->value->rank != 2 || unit->space > CLUES_SPACE_FACTORS ||
        unit->part > CLUES_PART_B) {
      host->set_error(host, "this dtype, rank, space or part is not supported");
      return CLUES_UNSUPPORTED;
    }
    ((double *)record)[client] += input->weight;
  }
  return CLUES_OK;
}
static clues_status combine(void *instance, uint32_t pass, void *into, const void *other) {
  (void)instance, (void)pass, (void)into, (void)other;
  return CLUES_OK;
}
#define MORE_OF_TABLE .survey_passes = 1, .survey_size = survey_size, .survey = survey, .combine = combine,
#include "method.h"
