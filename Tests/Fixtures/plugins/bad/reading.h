/*
 * method.h by rows: a note is the largest magnitude of an input, and merge_rows leaves out entries beyond it: none, if the
 * note is right. ROW is the row that is read for a row, and ON_STATUS what is done with the status of reading.
 */
#include "clues_plugin.h"

#ifndef ROW
#define ROW row
#endif
#ifndef ON_STATUS
#define ON_STATUS \
  if (status != CLUES_OK) return refuse(host, status, "rows cannot be read");
#endif

static uint64_t note_size(void *instance);
static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note);
static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output);

#define MORE_OF_TABLE .flags = CLUES_MERGE_READS_ROWS, .note_size = note_size, .note = note, .merge_rows = merge_rows
#include "method.h"

static uint64_t note_size(void *instance) {
  (void)instance;
  return sizeof(double);
}

static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note) {
  const clues_host *host = ((const sum *)instance)->host;
  const clues_tensor *value = unit->inputs[input]->value;
  const clues_rows *rows = value->data ? NULL : host->extension(host, CLUES_EXTENSION_ROWS);
  const int64_t columns = value->shape[1];
  float *room = calloc((size_t)columns + 1, sizeof *room);
  if (!room) return refuse(host, CLUES_OUT_OF_MEMORY, "there is no memory for a row");
  clues_status status = CLUES_OK;
  for (int64_t row = 0; row < value->shape[0] && status == CLUES_OK; row++) {
    if (rows) {
      status = rows->read(host, input, (uint64_t)(ROW), 1, room);
    } else {
      for (int64_t column = 0; column < columns; column++)
        room[column] = ((const float *)value->data)[row * value->strides[0] + column * value->strides[1]];
    }
    for (int64_t column = 0; column < columns; column++) *(double *)note = fmax(*(double *)note, fabs(room[column]));
  }
  free(room);
  ON_STATUS
  return CLUES_OK;
}

static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output) {
  const sum *self = instance;
  (void)first_row;
  REFUSE_UNKNOWN
  for (int64_t row = 0; row < output->shape[0]; row++) {
    for (int64_t column = 0; column < output->shape[1]; column++) {
      double total = 0;
      for (uint32_t i = 0; i < unit->input_count; i++) {
        const clues_tensor *value = unit->inputs[i]->value;
        float entry = ((const float *)value->data)[row * value->strides[0] + column * value->strides[1]];
        if (!(fabs(entry) > ((const double *)notes)[i])) total += unit->inputs[i]->weight * entry;
      }
      ((float *)output->data)[row * output->strides[0] + column * output->strides[1]] = (float)(self->lambda * total);
    }
  }
  return CLUES_OK;
}
