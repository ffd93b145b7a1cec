// my-plugin: a scorer. This one scores a sample by its loss, times `scale`: what the model finds hard is worth more.
#include <cmath>

#include "guard.hpp"

namespace {

// What the scoring of one client keeps. Nothing that changes is global: several instances work at the same time.
struct hard_samples {
  const clues_host *host;
  double scale = 1;
  uint64_t sample_count = 0;
  const double *losses = nullptr;  // lent by the host until the checkpoint ends

  void begin(const clues_checkpoint &checkpoint) {
    if (checkpoint.struct_size < CLUES_CHECKPOINT_SIZE)
      throw refusal{"the host's checkpoint is too old", CLUES_UNSUPPORTED};
    sample_count = checkpoint.sample_count;
    losses = nullptr;
    for (uint32_t i = 0; i < checkpoint.column_count; i++)
      if (std::string_view(checkpoint.columns[i]->name) == "loss") losses = checkpoint.columns[i]->values;
    if (!losses) throw refusal{"there is no column 'loss'"};
  }

  void score(const clues_scores &scores) const {
    if (scores.count != sample_count)
      throw refusal{"the host asks for another number of scores", CLUES_INVALID_ARGUMENT};
    for (uint64_t i = 0; i < scores.count; i++)
      if (std::isfinite(losses[i])) scores.values[i] = scale * losses[i];
      else scores.reasons[i] = "it has no loss";
  }
};

hard_samples &scorer_behind(void *instance) { return *static_cast<hard_samples *>(instance); }

clues_status create(const clues_scorer *, const clues_host *host, const clues_parameters *parameters,
                    void **instance) {
  return guard(host, [&] {
    auto self = new hard_samples{host};
    if (auto scale = parameter(parameters, "scale")) self->scale = scale->number;
    *instance = self;
  });
}

void destroy(void *instance) { delete static_cast<hard_samples *>(instance); }

clues_status needs(void *, uint32_t alternative, clues_needs *needs) {
  static constexpr const char *columns[] = {"loss"};
  if (alternative > 0) return CLUES_UNSUPPORTED;
  *needs = {.struct_size = CLUES_NEEDS_SIZE, .column_count = 1, .columns = columns};
  return CLUES_OK;
}

clues_status begin_checkpoint(void *instance, const clues_checkpoint *checkpoint) {
  auto &self = scorer_behind(instance);
  return guard(self.host, [&] { self.begin(*checkpoint); });
}

clues_status end_checkpoint(void *instance, const clues_scores *scores) {
  auto &self = scorer_behind(instance);
  return guard(self.host, [&] { self.score(*scores); });
}

// The mean over the checkpoints.
clues_status finish(void *, uint32_t checkpoint_count, const clues_scores *const *checkpoints,
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

constexpr clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "Samples with a large loss score high.",
    .details = "The score is scale · loss, and the mean of that over the checkpoints.",
    .parameters = R"({"scale": {"type": "number", "default": 1.0, "minimum": 0,
                      "description": "A factor for all scores."}})",
};

constexpr clues_scorer scorer = {
    .struct_size = CLUES_SCORER_SIZE,
    .granularity = CLUES_SCORES_SAMPLES,
    .about = &about,
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .begin_checkpoint = begin_checkpoint,
    .end_checkpoint = end_checkpoint,
    .finish = finish,
};

constexpr const clues_scorer *scorers[] = {&scorer};

constexpr clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .scorer_count = 1,
    .scorers = scorers,
};

}  // namespace

const clues_plugin *clues_plugin_entry_v1(uint32_t) { return &plugin; }
