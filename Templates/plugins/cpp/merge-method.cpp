// my-plugin: a merge method. This one takes, entry by entry, the weighted sum of the clients times `scale`.
#include <vector>

#include "guard.hpp"

namespace {

// What one merge keeps. Nothing that changes is global: several instances work at the same time.
struct weighted_sum {
  const clues_host *host;
  double scale = 1;

  void merge(const clues_merge_unit &unit, const matrix &output) const {
    if (unit.struct_size < CLUES_MERGE_UNIT_SIZE) throw refusal{"the host's unit is too old", CLUES_UNSUPPORTED};
    if (unit.space != CLUES_SPACE_CORE && unit.space != CLUES_SPACE_DELTA)
      throw refusal{"it means nothing in this space", CLUES_UNSUPPORTED};
    if (unit.part != CLUES_PART_WHOLE) throw refusal{"it takes whole matrices, not parts", CLUES_UNSUPPORTED};
    std::vector<matrix> values;
    for (uint32_t i = 0; i < unit.input_count; i++) values.emplace_back(unit.inputs[i]->value);

    for (int64_t row = 0; row < output.rows(); row++) {
      if (host->is_cancelled(host)) throw refusal{"cancelled", CLUES_CANCELLED};
      for (int64_t column = 0; column < output.columns(); column++) {
        double sum = 0;
        for (uint32_t i = 0; i < unit.input_count; i++) sum += unit.inputs[i]->weight * values[i](row, column);
        output(row, column) = static_cast<float>(scale * sum);
      }
    }
  }
};

clues_status create(const clues_merge_method *, const clues_host *host, const clues_parameters *parameters,
                    void **instance) {
  return guard(host, [&] {
    auto self = new weighted_sum{host};
    if (auto scale = parameter(parameters, "scale")) self->scale = scale->number;
    *instance = self;
  });
}

void destroy(void *instance) { delete static_cast<weighted_sum *>(instance); }

clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  auto self = static_cast<const weighted_sum *>(instance);
  return guard(self->host, [&] { self->merge(*unit, matrix(output)); });
}

constexpr clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "my-plugin",
    .summary = "The weighted sum of the clients, entry by entry.",
    .details = "The result is scale · Σ weight · value.",
    .parameters = R"({"scale": {"type": "number", "default": 1.0, "minimum": 0,
                      "description": "A factor for the whole result."}})",
};

constexpr clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_CORE | CLUES_SPACE_DELTA,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1 << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};

constexpr const clues_merge_method *methods[] = {&method};

constexpr clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "my-plugin",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

}  // namespace

const clues_plugin *clues_plugin_entry_v1(uint32_t) { return &plugin; }
