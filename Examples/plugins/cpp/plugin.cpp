// agreement: a merge method and a scorer that ask how far clients and samples agree.
//
// Examples/plugins holds the same two in C, C++, Rust and Swift. All add up in the same order and without fused
// operations, so they give the same results to the last bit.
#include <algorithm>
#include <cmath>
#include <vector>

#include "guard.hpp"

namespace {

// -------------------------------------------------------------------------------------------------- agreement-mask

struct agreement_mask {
  const clues_host *host;
  double threshold = 0.5;
  double scale = 1;

  void merge(const clues_merge_unit &unit, const matrix &output) const {
    if (unit.struct_size < CLUES_MERGE_UNIT_SIZE) throw refusal{"the host's unit is too old", CLUES_UNSUPPORTED};
    if (unit.space != CLUES_SPACE_CORE && unit.space != CLUES_SPACE_DELTA)
      throw refusal{"it means nothing in this space", CLUES_UNSUPPORTED};
    if (unit.part != CLUES_PART_WHOLE) throw refusal{"it takes whole matrices, not parts", CLUES_UNSUPPORTED};
    std::vector<matrix> values;
    for (uint32_t i = 0; i < unit.input_count; i++) values.emplace_back(unit.inputs[i]->value);
    std::vector<double> shares(unit.input_count);

    for (int64_t row = 0; row < output.rows(); row++) {
      if (host->is_cancelled(host)) throw refusal{"cancelled", CLUES_CANCELLED};
      for (int64_t column = 0; column < output.columns(); column++) {
        for (uint32_t i = 0; i < unit.input_count; i++) {
          shares[i] = unit.inputs[i]->weight * values[i](row, column);
          if (!std::isfinite(shares[i]))
            throw refusal{"client '" + std::string(unit.inputs[i]->client) + "' has a value that is not finite"};
        }
        output(row, column) = merged(shares);
      }
    }
  }

  // What is added up in the order of the values does not depend on that of the clients.
  float merged(std::vector<double> &shares) const {
    std::sort(shares.begin(), shares.end());
    double positive = 0, negative = 0;
    for (double share : shares)
      if (share > 0) positive += share;
      else negative -= share;
    double sum = positive - negative, total = positive + negative;
    bool is_kept = total > 0 && std::abs(sum) / total >= threshold;
    return is_kept ? static_cast<float>(scale * sum) : 0;
  }
};

clues_status mask_create(const clues_merge_method *, const clues_host *host, const clues_parameters *parameters,
                         void **instance) {
  return guard(host, [&] {
    auto self = new agreement_mask{host};
    if (auto threshold = parameter(parameters, "threshold")) self->threshold = threshold->number;
    if (auto scale = parameter(parameters, "scale")) self->scale = scale->number;
    *instance = self;
  });
}

void mask_destroy(void *instance) { delete static_cast<agreement_mask *>(instance); }

clues_status mask_merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  auto self = static_cast<const agreement_mask *>(instance);
  return guard(self->host, [&] { self->merge(*unit, matrix(output)); });
}

constexpr clues_descriptor mask_about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "agreement-mask",
    .summary = "The weighted sum of the clients, without the entries where they contradict each other.",
    .details = "The agreement of an entry is |Σ weight · value| / Σ |weight · value|: 1 where all clients pull in "
               "one direction, 0 where they cancel out. Entries that agree less than threshold become 0; the others "
               "are scale · Σ weight · value.",
    .reference = "after the AND-mask of Parascandolo et al. 2020 (arXiv 2009.00329), here by magnitude",
    .parameters = R"({
      "scale": {"type": "number", "default": 1.0, "minimum": 0, "description": "A factor for the whole result."},
      "threshold": {"type": "number", "default": 0.5, "minimum": 0, "maximum": 1,
                    "description": "The agreement that an entry must reach to be kept."}})",
};

constexpr clues_merge_method mask = {
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

// ----------------------------------------------------------------------------------------------- validation-cosine

struct validation_cosine {
  const clues_host *host;
  bool own = false;                      // whether the client's own domain alone counts
  uint32_t first = 0, last = 0;          // the domains that count
  uint64_t sample_count = 0;
  clues_gradient_tensor tensor = {};     // the current one
  std::vector<double> squares = {};      // of every sample: ‖gradient‖²
  std::vector<double> products = {};     // of every sample and domain: <gradient, mean>
  std::vector<double> mean_squares = {}; // of every domain: ‖mean‖²

  void begin(const clues_checkpoint &checkpoint) {
    if (checkpoint.struct_size < CLUES_CHECKPOINT_SIZE)
      throw refusal{"the host's checkpoint is too old", CLUES_UNSUPPORTED};
    if (checkpoint.domain_count == 0) throw refusal{"there are no validation gradients to compare with"};
    if (own && checkpoint.own_domain >= checkpoint.domain_count)
      throw refusal{"no validation set bears the client's own domain"};
    first = own ? checkpoint.own_domain : 0;
    last = own ? checkpoint.own_domain + 1 : checkpoint.domain_count;
    sample_count = checkpoint.sample_count;
    squares.assign(sample_count, 0);
    products.assign(sample_count * last, 0);
    mean_squares.assign(last, 0);
  }

  void begin(const clues_gradient_tensor &next) {
    if (next.struct_size < CLUES_GRADIENT_TENSOR_SIZE || !next.validation_means)
      throw refusal{"the host brings no mean validation gradients", CLUES_UNSUPPORTED};
    tensor = next;
    for (uint32_t d = first; d < last; d++)
      for (uint64_t e = 0; e < tensor.element_count; e++)
        mean_squares[d] += double(tensor.validation_means[d][e]) * double(tensor.validation_means[d][e]);
  }

  void update(const clues_gradient_rows &rows) {
    if (rows.first_sample > sample_count || rows.row_count > sample_count - rows.first_sample)
      throw refusal{"the host shows more samples than there are", CLUES_INVALID_ARGUMENT};
    for (uint64_t row = 0; row < rows.row_count; row++) {
      if (host->is_cancelled(host)) throw refusal{"cancelled", CLUES_CANCELLED};
      const float *gradient = rows.values + row * tensor.element_count;
      uint64_t sample = rows.first_sample + row;
      for (uint64_t e = 0; e < tensor.element_count; e++) squares[sample] += double(gradient[e]) * double(gradient[e]);
      for (uint32_t d = first; d < last; d++)
        for (uint64_t e = 0; e < tensor.element_count; e++)
          products[sample * last + d] += double(gradient[e]) * double(tensor.validation_means[d][e]);
    }
  }

  void score(const clues_scores &scores) const {
    if (scores.count != sample_count)
      throw refusal{"the host asks for another number of scores", CLUES_INVALID_ARGUMENT};
    for (uint64_t i = 0; i < scores.count; i++) {
      if (auto reason = reason_against(i)) scores.reasons[i] = reason;
      else scores.values[i] = mean_cosine(i);
    }
  }

  const char *reason_against(uint64_t sample) const {
    if (!std::isfinite(squares[sample])) return "its gradient is not finite";
    if (squares[sample] == 0) return "its gradient is zero";
    for (uint32_t d = first; d < last; d++)
      if (!std::isfinite(mean_squares[d]) || mean_squares[d] == 0) return "a mean validation gradient has no direction";
    return nullptr;
  }

  double mean_cosine(uint64_t sample) const {
    double sum = 0;
    for (uint32_t d = first; d < last; d++)
      sum += products[sample * last + d] / (std::sqrt(squares[sample]) * std::sqrt(mean_squares[d]));
    return sum / (last - first);
  }
};

validation_cosine &cosine_behind(void *instance) { return *static_cast<validation_cosine *>(instance); }

clues_status cosine_create(const clues_scorer *, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  return guard(host, [&] {
    auto domains = parameter(parameters, "domains");
    if (domains && (domains->type != CLUES_PARAMETER_TEXT || !domains->text))
      throw refusal{"domains must be a text", CLUES_INVALID_ARGUMENT};
    auto self = new validation_cosine{host};
    self->own = domains && std::string_view(domains->text) == "own";
    *instance = self;
  });
}

void cosine_destroy(void *instance) { delete static_cast<validation_cosine *>(instance); }

clues_status cosine_needs(void *, uint32_t alternative, clues_needs *needs) {
  if (alternative > 0) return CLUES_UNSUPPORTED;
  *needs = {
      .struct_size = CLUES_NEEDS_SIZE,
      .evidence = CLUES_EVIDENCE_GRADIENTS | CLUES_EVIDENCE_VALIDATION_MEANS,
      .passes = 1,
  };
  return CLUES_OK;
}

clues_status cosine_begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  auto &self = cosine_behind(instance);
  return guard(self.host, [&] { self.begin(*checkpoint); });
}

clues_status cosine_begin_tensor(void *instance, const clues_gradient_tensor *tensor) {
  auto &self = cosine_behind(instance);
  return guard(self.host, [&] { self.begin(*tensor); });
}

clues_status cosine_update(void *instance, const clues_gradient_rows *rows) {
  auto &self = cosine_behind(instance);
  return guard(self.host, [&] { self.update(*rows); });
}

clues_status cosine_end_tensor(void *) { return CLUES_OK; }

clues_status cosine_end_checkpoint(void *instance, const clues_scores *scores) {
  auto &self = cosine_behind(instance);
  return guard(self.host, [&] { self.score(*scores); });
}

clues_status cosine_finish(void *, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
                           const clues_scores *scores) {
  for (uint64_t i = 0; i < scores->count; i++) {
    double sum = 0;
    for (uint32_t c = 0; c < checkpoint_count; c++)
      if (checkpoints[c]->reasons[i]) scores->reasons[i] = "it has no score at one of the checkpoints";
      else sum += checkpoints[c]->values[i];
    if (!scores->reasons[i]) scores->values[i] = sum / checkpoint_count;
  }
  return CLUES_OK;
}

constexpr clues_descriptor cosine_about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "validation-cosine",
    .summary = "The cosine between a sample's gradient and the mean validation gradients.",
    .details = "Over all parameters together; the mean over the domains that count, then over the checkpoints.",
    .parameters = R"({"domains": {"type": "string", "enum": ["all", "own"], "default": "all",
                      "description": "Whether all domains count, or the client's own alone."}})",
};

constexpr clues_scorer cosine = {
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

// --------------------------------------------------------------------------------------------------------- library

constexpr const clues_merge_method *methods[] = {&mask};
constexpr const clues_scorer *scorers[] = {&cosine};

constexpr clues_plugin plugin = {
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

}  // namespace

const clues_plugin *clues_plugin_entry_v1(uint32_t) { return &plugin; }
