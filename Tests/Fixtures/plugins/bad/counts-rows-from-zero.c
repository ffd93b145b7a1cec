/* Takes the first row of every piece for the first row of the matrix. */
#include "clues_plugin.h"

static uint64_t note_size(void *instance);
static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note);
static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output);

#define MORE_OF_TABLE .note_size = note_size, .note = note, .merge_rows = merge_rows
#define AFTER_MERGE                                                      \
  for (int64_t column = 0; output->shape[0] > 0 && column < output->shape[1]; column++) \
    ((float *)output->data)[column * output->strides[1]] *= 2;
#include "method.h"

static uint64_t note_size(void *instance) {
  (void)instance;
  return 8;
}

static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note) {
  (void)instance;
  (void)unit;
  (void)input;
  (void)note;
  return CLUES_OK;
}

static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output) {
  (void)first_row;
  (void)notes;
  return merge(instance, unit, output);
}
