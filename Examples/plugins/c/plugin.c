/*
 * agreement: a merge method and a scorer that ask how far clients and samples agree.
 *
 * Examples/plugins holds the same two in C, C++, Rust and Swift. All add up in the same order and without fused
 * operations, so they give the same results to the last bit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clues_plugin.h"

static clues_status fail(const clues_host *host, clues_status status, const char *text) {
  host->set_error(host, text);
  return status;
}

static const clues_parameter *parameter(const clues_parameters *parameters, const char *name) {
  for (uint32_t i = 0; i < parameters->count; i++)
    if (strcmp(parameters->items[i]->name, name) == 0) return parameters->items[i];
  return NULL;
}

/* --------------------------------------------------------------------------------------------------- agreement-mask */

typedef struct {
  const clues_host *host;
  double threshold;
  double scale;
} agreement_mask;

static clues_status mask_create(const clues_merge_method *method, const clues_host *host,
                                const clues_parameters *parameters, void **instance) {
  (void)method;
  agreement_mask *self = malloc(sizeof *self);
  if (!self) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  const clues_parameter *threshold = parameter(parameters, "threshold"), *scale = parameter(parameters, "scale");
  *self = (agreement_mask){.host = host};
  self->threshold = threshold ? threshold->number : 0.5;
  self->scale = scale ? scale->number : 1;
  *instance = self;
  return CLUES_OK;
}

static void mask_destroy(void *instance) { free(instance); }

static int is_matrix(const clues_tensor *tensor) {
  return tensor && tensor->struct_size >= CLUES_TENSOR_SIZE && tensor->dtype == CLUES_F32 && tensor->rank == 2;
}

/* The smallest first. What is added up in this order does not depend on that of the clients. */
static void sort(double *values, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    double value = values[i];
    uint32_t place = i;
    for (; place > 0 && values[place - 1] > value; place--) values[place] = values[place - 1];
    values[place] = value;
  }
}

static clues_status mask_merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const agreement_mask *self = instance;
  const clues_host *host = self->host;
  if (unit->struct_size < CLUES_MERGE_UNIT_SIZE) return fail(host, CLUES_UNSUPPORTED, "the host's unit is too old");
  if (unit->space != CLUES_SPACE_CORE && unit->space != CLUES_SPACE_DELTA)
    return fail(host, CLUES_UNSUPPORTED, "it means nothing in this space");
  if (unit->part != CLUES_PART_WHOLE) return fail(host, CLUES_UNSUPPORTED, "it takes whole matrices, not parts");
  if (!is_matrix(output)) return fail(host, CLUES_UNSUPPORTED, "the output is no matrix of float32");
  for (uint32_t i = 0; i < unit->input_count; i++)
    if (!is_matrix(unit->inputs[i]->value)) return fail(host, CLUES_UNSUPPORTED, "an input is no matrix of float32");
  double *shares = host->scratch(host, unit->input_count * sizeof *shares, sizeof *shares);
  if (!shares) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for the clients' shares");

  for (int64_t row = 0; row < output->shape[0]; row++) {
    if (host->is_cancelled(host)) return fail(host, CLUES_CANCELLED, "cancelled");
    for (int64_t column = 0; column < output->shape[1]; column++) {
      for (uint32_t i = 0; i < unit->input_count; i++) {
        const clues_tensor *value = unit->inputs[i]->value;
        const float *elements = value->data;
        shares[i] = unit->inputs[i]->weight * elements[row * value->strides[0] + column * value->strides[1]];
        if (!isfinite(shares[i])) {
          char text[256];
          snprintf(text, sizeof text, "client '%s' has a value that is not finite", unit->inputs[i]->client);
          return fail(host, CLUES_FAILED_PRECONDITION, text);
        }
      }
      sort(shares, unit->input_count);
      double positive = 0, negative = 0;
      for (uint32_t i = 0; i < unit->input_count; i++)
        if (shares[i] > 0) positive += shares[i];
        else negative -= shares[i];
      double sum = positive - negative, total = positive + negative;
      int is_kept = total > 0 && fabs(sum) / total >= self->threshold;
      float *elements = output->data;
      elements[row * output->strides[0] + column * output->strides[1]] = is_kept ? (float)(self->scale * sum) : 0;
    }
  }
  return CLUES_OK;
}

static const clues_descriptor mask_about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "agreement-mask",
    .summary = "The weighted sum of the clients, without the entries where they contradict each other.",
    .details = "The agreement of an entry is |Σ weight · value| / Σ |weight · value|: 1 where all clients pull in "
               "one direction, 0 where they cancel out. Entries that agree less than threshold become 0; the others "
               "are scale · Σ weight · value.",
    .reference = "after the AND-mask of Parascandolo et al. 2020 (arXiv 2009.00329), here by magnitude",
    .parameters = "{\"scale\": {\"type\": \"number\", \"default\": 1.0, \"minimum\": 0,"
                  " \"description\": \"A factor for the whole result.\"},"
                  " \"threshold\": {\"type\": \"number\", \"default\": 0.5, \"minimum\": 0, \"maximum\": 1,"
                  " \"description\": \"The agreement that an entry must reach to be kept.\"}}",
};

static const clues_merge_method mask = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &mask_about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_CORE | CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = mask_create,
    .destroy = mask_destroy,
    .merge = mask_merge,
};

/* ------------------------------------------------------------------------------------------------ validation-cosine */

typedef struct {
  const clues_host *host;
  int own;                 /* whether the client's own domain alone counts */
  uint32_t first, last;    /* the domains that count */
  uint64_t sample_count;
  uint64_t element_count;  /* of the current tensor */
  const float *const *means;
  double *squares;         /* of every sample: ‖gradient‖² */
  double *products;        /* of every sample and domain: <gradient, mean> */
  double *mean_squares;    /* of every domain: ‖mean‖² */
} validation_cosine;

static const char *const not_finite = "its gradient is not finite";
static const char *const zero_gradient = "its gradient is zero";
static const char *const no_direction = "a mean validation gradient has no direction";
static const char *const no_score = "it has no score at one of the checkpoints";

static clues_status cosine_create(const clues_scorer *scorer, const clues_host *host,
                                  const clues_parameters *parameters, void **instance) {
  (void)scorer;
  validation_cosine *self = malloc(sizeof *self);
  if (!self) return fail(host, CLUES_OUT_OF_MEMORY, "there is no memory for an instance");
  const clues_parameter *domains = parameter(parameters, "domains");
  if (domains && (domains->type != CLUES_PARAMETER_TEXT || !domains->text)) {
    free(self);
    return fail(host, CLUES_INVALID_ARGUMENT, "domains must be a text");
  }
  *self = (validation_cosine){.host = host, .own = domains && strcmp(domains->text, "own") == 0};
  *instance = self;
  return CLUES_OK;
}

static void forget(validation_cosine *self) {
  free(self->squares);
  free(self->products);
  free(self->mean_squares);
  self->squares = self->products = self->mean_squares = NULL;
}

static void cosine_destroy(void *instance) {
  forget(instance);
  free(instance);
}

static clues_status cosine_needs(void *instance, uint32_t alternative, clues_needs *needs) {
  (void)instance;
  if (alternative > 0) return CLUES_UNSUPPORTED;
  *needs = (clues_needs){.struct_size = CLUES_NEEDS_SIZE, .passes = 1};
  needs->evidence = CLUES_EVIDENCE_GRADIENTS | CLUES_EVIDENCE_VALIDATION_MEANS;
  return CLUES_OK;
}

static clues_status cosine_begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  validation_cosine *self = instance;
  if (checkpoint->struct_size < CLUES_CHECKPOINT_SIZE)
    return fail(self->host, CLUES_UNSUPPORTED, "the host's checkpoint is too old");
  if (checkpoint->domain_count == 0)
    return fail(self->host, CLUES_FAILED_PRECONDITION, "there are no validation gradients to compare with");
  if (self->own && checkpoint->own_domain >= checkpoint->domain_count)
    return fail(self->host, CLUES_FAILED_PRECONDITION, "no validation set bears the client's own domain");
  self->first = self->own ? checkpoint->own_domain : 0;
  self->last = self->own ? checkpoint->own_domain + 1 : checkpoint->domain_count;
  self->sample_count = checkpoint->sample_count;
  forget(self);
  /* One more than needed: calloc may answer null for nothing. */
  self->squares = calloc(self->sample_count + 1, sizeof(double));
  self->mean_squares = calloc(self->last, sizeof(double));
  self->products = calloc(self->sample_count + 1, self->last * sizeof(double));
  if (!self->squares || !self->mean_squares || !self->products)
    return fail(self->host, CLUES_OUT_OF_MEMORY, "there is no memory for the samples' sums");
  return CLUES_OK;
}

static clues_status cosine_begin_tensor(void *instance, const clues_gradient_tensor *tensor) {
  validation_cosine *self = instance;
  if (tensor->struct_size < CLUES_GRADIENT_TENSOR_SIZE || !tensor->validation_means)
    return fail(self->host, CLUES_UNSUPPORTED, "the host brings no mean validation gradients");
  self->element_count = tensor->element_count;
  self->means = tensor->validation_means;
  for (uint32_t d = self->first; d < self->last; d++)
    for (uint64_t e = 0; e < self->element_count; e++)
      self->mean_squares[d] += (double)self->means[d][e] * (double)self->means[d][e];
  return CLUES_OK;
}

static clues_status cosine_update(void *instance, const clues_gradient_rows *rows) {
  validation_cosine *self = instance;
  if (rows->first_sample > self->sample_count || rows->row_count > self->sample_count - rows->first_sample)
    return fail(self->host, CLUES_INVALID_ARGUMENT, "the host shows more samples than there are");
  for (uint64_t row = 0; row < rows->row_count; row++) {
    if (self->host->is_cancelled(self->host)) return fail(self->host, CLUES_CANCELLED, "cancelled");
    const float *gradient = rows->values + row * self->element_count;
    uint64_t sample = rows->first_sample + row;
    for (uint64_t e = 0; e < self->element_count; e++)
      self->squares[sample] += (double)gradient[e] * (double)gradient[e];
    for (uint32_t d = self->first; d < self->last; d++)
      for (uint64_t e = 0; e < self->element_count; e++)
        self->products[sample * self->last + d] += (double)gradient[e] * (double)self->means[d][e];
  }
  return CLUES_OK;
}

static clues_status cosine_end_tensor(void *instance) {
  validation_cosine *self = instance;
  self->means = NULL;
  return CLUES_OK;
}

static clues_status cosine_end_checkpoint(void *instance, const clues_scores *scores) {
  validation_cosine *self = instance;
  if (scores->count != self->sample_count)
    return fail(self->host, CLUES_INVALID_ARGUMENT, "the host asks for another number of scores");
  for (uint64_t i = 0; i < scores->count; i++) {
    const char *reason = NULL;
    double sum = 0;
    if (!isfinite(self->squares[i])) reason = not_finite;
    else if (self->squares[i] == 0) reason = zero_gradient;
    for (uint32_t d = self->first; d < self->last && !reason; d++) {
      if (!isfinite(self->mean_squares[d]) || self->mean_squares[d] == 0) reason = no_direction;
      else sum += self->products[i * self->last + d] / (sqrt(self->squares[i]) * sqrt(self->mean_squares[d]));
    }
    if (reason) scores->reasons[i] = reason;
    else scores->values[i] = sum / (self->last - self->first);
  }
  return CLUES_OK;
}

static clues_status cosine_finish(void *instance, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                                  const clues_scores *scores) {
  (void)instance;
  for (uint64_t i = 0; i < scores->count; i++) {
    double sum = 0;
    for (uint32_t c = 0; c < checkpoint_count; c++)
      if (checkpoints[c]->reasons[i]) scores->reasons[i] = no_score;
      else sum += checkpoints[c]->values[i];
    if (!scores->reasons[i]) scores->values[i] = sum / checkpoint_count;
  }
  return CLUES_OK;
}

static const clues_descriptor cosine_about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "validation-cosine",
    .summary = "The cosine between a sample's gradient and the mean validation gradients.",
    .details = "Over all parameters together; the mean over the domains that count, then over the checkpoints.",
    .parameters = "{\"domains\": {\"type\": \"string\", \"enum\": [\"all\", \"own\"], \"default\": \"all\","
                  " \"description\": \"Whether all domains count, or the client's own alone.\"}}",
};

static const clues_scorer cosine = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &cosine_about,
    .create = cosine_create,
    .destroy = cosine_destroy,
    .needs = cosine_needs,
    .begin_checkpoint = cosine_begin_checkpoint,
    .begin_tensor = cosine_begin_tensor,
    .update = cosine_update,
    .end_tensor = cosine_end_tensor,
    .end_checkpoint = cosine_end_checkpoint,
    .finish = cosine_finish,
};

/* ---------------------------------------------------------------------------------------------------------- library */

static const clues_merge_method *const methods[] = {&mask};
static const clues_scorer *const scorers[] = {&cosine};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "agreement",
    .version = "1.0.0",
    .vendor = "Clues",
    .license = "Apache-2.0",
    .merge_method_count = 1,
    .scorer_count = 1,
    .merge_methods = methods,
    .scorers = scorers,
};

const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
