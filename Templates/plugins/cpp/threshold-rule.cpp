// my-plugin: a threshold rule. This one takes, for all clients, the mean score of all anchors less `margin`.
#include "guard.hpp"

namespace {

// What one decision keeps. Nothing that changes is global: several instances work at the same time.
struct anchor_margin {
  const clues_host *host;
  double margin = 0;
};

clues_status create(const clues_threshold_rule *, const clues_host *host, const clues_parameters *parameters,
                    void **instance) {
  return guard(host, [&] {
    auto self = new anchor_margin{host};
    if (auto margin = parameter(parameters, "margin")) self->margin = margin->number;
    *instance = self;
  });
}

void destroy(void *instance) { delete static_cast<anchor_margin *>(instance); }

clues_status decide(void *instance, uint32_t client_count, const clues_client_scores *const *clients,
                    double *thresholds) {
  auto self = static_cast<const anchor_margin *>(instance);
  return guard(self->host, [&] {
    double sum = 0;
    uint64_t count = 0;
    for (uint32_t c = 0; c < client_count; c++)
      for (uint64_t i = 0; i < clients[c]->count; i++)
        if (clients[c]->splits[i] > CLUES_SPLIT_ANCHOR)
          throw refusal{"a sample is of a split that it does not know", CLUES_UNSUPPORTED};
        else if (clients[c]->splits[i] == CLUES_SPLIT_ANCHOR) sum += clients[c]->values[i], count++;
    if (count == 0) throw refusal{"there are no scores of anchors"};
    for (uint32_t c = 0; c < client_count; c++) thresholds[c] = sum / static_cast<double>(count) - self->margin;
  });
}

constexpr clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "The mean score of all anchors, less a margin.",
    .details = "All clients get the same threshold: the mean score of all clients' anchors, less margin.",
    .parameters = R"({"margin": {"type": "number", "default": 0,
                      "description": "How far below the anchors a sample may be."}})",
};

constexpr clues_threshold_rule rule = {
    .struct_size = CLUES_THRESHOLD_RULE_SIZE,
    .about = &about,
    .create = create,
    .destroy = destroy,
    .decide = decide,
};

constexpr const clues_threshold_rule *rules[] = {&rule};

constexpr clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .threshold_rule_count = 1,
    .threshold_rules = rules,
};

}  // namespace

const clues_plugin *clues_plugin_entry_v1(uint32_t) { return &plugin; }
