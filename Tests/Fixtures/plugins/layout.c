/*
 * Prints the layout of clues_plugin.h: every struct with its size, every field with offset and size, every constant.
 *
 * A field that is missing here leaves a hole and fails; a constant that is missing is found by the test, which looks for
 * all of them in the header.
 */
#include <stddef.h>
#include <stdio.h>

#include "clues_plugin.h"

static size_t end;
static size_t size;
static const char *name;
static int holes;

static void close_struct(void) {
  if (name && end != size) {
    fprintf(stderr, "%s: %zu bytes at its end are no field\n", name, size - end);
    holes = 1;
  }
}

static void open_struct(const char *new_name, size_t new_size, size_t constant) {
  close_struct();
  name = new_name;
  size = new_size;
  end = 0;
  printf("%s %zu %zu\n", name, size, constant);
}

static void field(const char *field_name, size_t offset, size_t field_size) {
  if (offset != end) {
    fprintf(stderr, "%s.%s: %zu bytes before it are no field\n", name, field_name, offset - end);
    holes = 1;
  }
  end = offset + field_size;
  printf("  %s %zu %zu\n", field_name, offset, field_size);
}

#define STRUCT(type, constant) open_struct(#type, sizeof(type), constant);
#define FIELD(type, member) field(#member, offsetof(type, member), sizeof(((type *)0)->member));
#define VALUE(constant) printf(#constant " %lld\n", (long long)(constant));

int main(void) {
#define T clues_tensor
  STRUCT(clues_tensor, CLUES_TENSOR_SIZE)
  FIELD(T, struct_size) FIELD(T, dtype) FIELD(T, rank) FIELD(T, flags) FIELD(T, shape) FIELD(T, strides)
  FIELD(T, data)
#undef T
#define T clues_parameter
  STRUCT(clues_parameter, CLUES_PARAMETER_SIZE)
  FIELD(T, struct_size) FIELD(T, type) FIELD(T, flags) FIELD(T, count) FIELD(T, name) FIELD(T, number)
  FIELD(T, integer) FIELD(T, text) FIELD(T, numbers)
#undef T
#define T clues_parameters
  STRUCT(clues_parameters, CLUES_PARAMETERS_SIZE)
  FIELD(T, struct_size) FIELD(T, count) FIELD(T, items)
#undef T
#define T clues_host
  STRUCT(clues_host, CLUES_HOST_SIZE)
  FIELD(T, struct_size) FIELD(T, abi_minor) FIELD(T, context) FIELD(T, log) FIELD(T, set_error)
  FIELD(T, is_cancelled) FIELD(T, scratch) FIELD(T, random_words) FIELD(T, extension)
#undef T
#define T clues_descriptor
  STRUCT(clues_descriptor, CLUES_DESCRIPTOR_SIZE)
  FIELD(T, struct_size) FIELD(T, flags) FIELD(T, id) FIELD(T, summary) FIELD(T, details) FIELD(T, reference)
  FIELD(T, parameters)
#undef T
#define T clues_merge_input
  STRUCT(clues_merge_input, CLUES_MERGE_INPUT_SIZE)
  FIELD(T, struct_size) FIELD(T, index) FIELD(T, client) FIELD(T, weight) FIELD(T, stream) FIELD(T, value)
#undef T
#define T clues_merge_unit
  STRUCT(clues_merge_unit, CLUES_MERGE_UNIT_SIZE)
  FIELD(T, struct_size) FIELD(T, space) FIELD(T, module) FIELD(T, part) FIELD(T, input_count) FIELD(T, inputs)
  FIELD(T, inner_products) FIELD(T, adapter_inner_products) FIELD(T, survey) FIELD(T, survey_size)
#undef T
#define T clues_merge_method
  STRUCT(clues_merge_method, CLUES_MERGE_METHOD_SIZE)
  FIELD(T, struct_size) FIELD(T, flags) FIELD(T, about) FIELD(T, minimum_inputs) FIELD(T, maximum_inputs)
  FIELD(T, spaces) FIELD(T, default_space) FIELD(T, dtypes) FIELD(T, survey_passes) FIELD(T, create)
  FIELD(T, destroy) FIELD(T, coefficients) FIELD(T, merge) FIELD(T, survey_size) FIELD(T, survey)
  FIELD(T, combine)
  FIELD(T, note_size)
  FIELD(T, note)
  FIELD(T, merge_rows)
#undef T
#define T clues_rows
  STRUCT(clues_rows, CLUES_ROWS_SIZE)
  FIELD(T, struct_size) FIELD(T, reserved) FIELD(T, read)
#undef T
#define T clues_needs
  STRUCT(clues_needs, CLUES_NEEDS_SIZE)
  FIELD(T, struct_size) FIELD(T, evidence) FIELD(T, passes) FIELD(T, checkpoints) FIELD(T, reserved)
  FIELD(T, column_count) FIELD(T, columns)
#undef T
#define T clues_column
  STRUCT(clues_column, CLUES_COLUMN_SIZE)
  FIELD(T, struct_size) FIELD(T, reserved) FIELD(T, name) FIELD(T, values)
#undef T
#define T clues_checkpoint
  STRUCT(clues_checkpoint, CLUES_CHECKPOINT_SIZE)
  FIELD(T, struct_size) FIELD(T, alternative) FIELD(T, client) FIELD(T, step) FIELD(T, index) FIELD(T, count)
  FIELD(T, learning_rate) FIELD(T, beta1) FIELD(T, beta2) FIELD(T, epsilon) FIELD(T, optimizer_step)
  FIELD(T, sample_count) FIELD(T, splits) FIELD(T, ids) FIELD(T, domain_count) FIELD(T, own_domain)
  FIELD(T, domains) FIELD(T, validation_counts) FIELD(T, validation_norms) FIELD(T, tensor_count)
  FIELD(T, column_count) FIELD(T, columns)
#undef T
#define T clues_gradient_tensor
  STRUCT(clues_gradient_tensor, CLUES_GRADIENT_TENSOR_SIZE)
  FIELD(T, struct_size) FIELD(T, index) FIELD(T, name) FIELD(T, element_count) FIELD(T, first_moment)
  FIELD(T, second_moment) FIELD(T, validation_means) FIELD(T, validation_samples)
#undef T
#define T clues_gradient_rows
  STRUCT(clues_gradient_rows, CLUES_GRADIENT_ROWS_SIZE)
  FIELD(T, struct_size) FIELD(T, pass) FIELD(T, first_sample) FIELD(T, row_count) FIELD(T, values)
#undef T
#define T clues_scores
  STRUCT(clues_scores, CLUES_SCORES_SIZE)
  FIELD(T, struct_size) FIELD(T, reserved) FIELD(T, count) FIELD(T, values) FIELD(T, reasons)
#undef T
#define T clues_collection
  STRUCT(clues_collection, CLUES_COLLECTION_SIZE)
  FIELD(T, struct_size) FIELD(T, client_count) FIELD(T, clients) FIELD(T, anchors) FIELD(T, adapter_count)
  FIELD(T, reserved) FIELD(T, owners) FIELD(T, steps) FIELD(T, inner_products)
#undef T
#define T clues_scorer
  STRUCT(clues_scorer, CLUES_SCORER_SIZE)
  FIELD(T, struct_size) FIELD(T, granularity) FIELD(T, about) FIELD(T, create) FIELD(T, destroy) FIELD(T, needs)
  FIELD(T, begin_checkpoint) FIELD(T, begin_tensor) FIELD(T, update) FIELD(T, end_tensor)
  FIELD(T, end_checkpoint) FIELD(T, finish) FIELD(T, score_clients)
#undef T
#define T clues_client_scores
  STRUCT(clues_client_scores, CLUES_CLIENT_SCORES_SIZE)
  FIELD(T, struct_size) FIELD(T, reserved) FIELD(T, client) FIELD(T, count) FIELD(T, values) FIELD(T, splits)
#undef T
#define T clues_threshold_rule
  STRUCT(clues_threshold_rule, CLUES_THRESHOLD_RULE_SIZE)
  FIELD(T, struct_size) FIELD(T, flags) FIELD(T, about) FIELD(T, create) FIELD(T, destroy) FIELD(T, decide)
#undef T
#define T clues_plugin
  STRUCT(clues_plugin, CLUES_PLUGIN_SIZE)
  FIELD(T, struct_size) FIELD(T, abi_minor) FIELD(T, name) FIELD(T, version) FIELD(T, vendor) FIELD(T, license)
  FIELD(T, merge_method_count) FIELD(T, scorer_count) FIELD(T, threshold_rule_count) FIELD(T, reserved)
  FIELD(T, merge_methods) FIELD(T, scorers) FIELD(T, threshold_rules)
#undef T
  close_struct();

  VALUE(CLUES_ABI_MINOR)
  VALUE(CLUES_OK) VALUE(CLUES_CANCELLED) VALUE(CLUES_INVALID_ARGUMENT) VALUE(CLUES_UNSUPPORTED)
  VALUE(CLUES_OUT_OF_MEMORY) VALUE(CLUES_FAILED_PRECONDITION) VALUE(CLUES_INTERNAL)
  VALUE(CLUES_LOG_DEBUG) VALUE(CLUES_LOG_INFO) VALUE(CLUES_LOG_WARNING)
  VALUE(CLUES_F32) VALUE(CLUES_F64) VALUE(CLUES_F16) VALUE(CLUES_BF16)
  VALUE(CLUES_TENSOR_CONTIGUOUS) VALUE(CLUES_TENSOR_WRITABLE) VALUE(CLUES_TENSOR_ALIGNED64)
  VALUE(CLUES_PARAMETER_NUMBER) VALUE(CLUES_PARAMETER_INTEGER) VALUE(CLUES_PARAMETER_BOOLEAN)
  VALUE(CLUES_PARAMETER_TEXT) VALUE(CLUES_PARAMETER_NUMBERS) VALUE(CLUES_PARAMETER_DEFAULTED)
  VALUE(CLUES_ALTERNATIVES_AGREE)
  VALUE(CLUES_SPACE_STACK) VALUE(CLUES_SPACE_CORE) VALUE(CLUES_SPACE_DELTA) VALUE(CLUES_SPACE_FACTORS)
  VALUE(CLUES_PART_WHOLE) VALUE(CLUES_PART_A) VALUE(CLUES_PART_B)
  VALUE(CLUES_MERGE_WANTS_INNER_PRODUCTS) VALUE(CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS)
  VALUE(CLUES_MERGE_READS_ROWS) VALUE(CLUES_MERGE_SURVEYS_ROWS)
  VALUE(CLUES_SPLIT_TRAIN) VALUE(CLUES_SPLIT_ANCHOR)
  VALUE(CLUES_EVIDENCE_GRADIENTS) VALUE(CLUES_EVIDENCE_MOMENTS) VALUE(CLUES_EVIDENCE_VALIDATION_MEANS)
  VALUE(CLUES_EVIDENCE_VALIDATION_SAMPLES) VALUE(CLUES_EVIDENCE_LEARNING_RATE) VALUE(CLUES_EVIDENCE_ADAPTERS)
  VALUE(CLUES_CHECKPOINTS_ALL) VALUE(CLUES_CHECKPOINTS_LAST)
  VALUE(CLUES_SCORES_SAMPLES) VALUE(CLUES_SCORES_CLIENTS)
  return holes;
}
