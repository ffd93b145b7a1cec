/*
 * Merges by rows: every entry is the weighted sum of the clients plus what their notes, the sums of their entries, come to
 * times the row's number. With READS it takes its notes from rows that it reads, two at a time; with BEYOND it wants one more.
 */
#ifdef READS
#define FLAGS .flags = CLUES_MERGE_READS_ROWS,
#else
#define FLAGS
#endif
#define MORE_OF_TABLE FLAGS .note_size = note_size, .note = note, .merge_rows = merge_rows
#include "clues_plugin.h"

static uint64_t note_size(void *instance);
static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note);
static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output);

#define AFTER_MERGE                                                                          \
  double sums[16] = {0};                                                                     \
  for (uint32_t i = 0; i < unit->input_count; i++) (void)note(instance, unit, i, sums + i);  \
  return merge_rows(instance, unit, 0, sums, output);
#include "bad/method.h"

static uint64_t note_size(void *instance) {
  (void)instance;
  return sizeof(double);
}

static clues_status note(void *instance, const clues_merge_unit *unit, uint32_t input, void *note) {
  const clues_host *host = ((const sum *)instance)->host;
  const clues_tensor *value = unit->inputs[input]->value;
  const int64_t rows = value->shape[0], columns = value->shape[1];
  const clues_rows *reader = value->data ? NULL : host->extension(host, CLUES_EXTENSION_ROWS);
  float room[64];
  for (int64_t row = 0; row < rows; row += 2) {
    const float *some = (const float *)value->data + (value->data ? row * columns : 0);
    int64_t count = rows - row < 2 ? rows - row : 2;
    if (reader) {
#ifdef BEYOND
      count++;
#endif
      clues_status status = reader->read(host, input, (uint64_t)row, (uint64_t)count, room);
      if (status != CLUES_OK) return refuse(host, status, "rows cannot be read");
      some = room;
    }
    for (int64_t place = 0; place < count * columns; place++) *(double *)note += some[place];
  }
  return CLUES_OK;
}

static clues_status merge_rows(void *instance, const clues_merge_unit *unit, uint64_t first_row, const void *notes,
                               const clues_tensor *output) {
  (void)instance;
  for (int64_t row = 0; row < output->shape[0]; row++) {
    for (int64_t column = 0; column < output->shape[1]; column++) {
      double total = 0;
      for (uint32_t i = 0; i < unit->input_count; i++) {
        const float *values = unit->inputs[i]->value->data;
        total += unit->inputs[i]->weight * values[row * output->shape[1] + column];
        total += ((const double *)notes)[i] * (double)((int64_t)first_row + row);
      }
      ((float *)output->data)[row * output->shape[1] + column] = (float)total;
    }
  }
  return CLUES_OK;
}
