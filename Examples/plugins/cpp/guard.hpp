// Keeps C++ on its side of the contract: what is thrown becomes a status and a sentence.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "clues_plugin.h"

/// Why a call is refused, in one sentence.
struct refusal {
  std::string text;
  clues_status status = CLUES_FAILED_PRECONDITION;
};

/// Runs a call of the host; no exception leaves it.
template <typename Body>
clues_status guard(const clues_host *host, Body &&body) noexcept {
  try {
    std::forward<Body>(body)();
    return CLUES_OK;
  } catch (const refusal &reason) {
    host->set_error(host, reason.text.c_str());
    return reason.status;
  } catch (const std::bad_alloc &) {
    host->set_error(host, "there is no memory left");
    return CLUES_OUT_OF_MEMORY;
  } catch (const std::exception &fault) {
    host->set_error(host, fault.what());
    return CLUES_INTERNAL;
  } catch (...) {
    host->set_error(host, "something unknown was thrown");
    return CLUES_INTERNAL;
  }
}

/// The parameter of this name, or null when nobody set it and it has no default.
inline const clues_parameter *parameter(const clues_parameters *parameters, std::string_view name) {
  for (uint32_t i = 0; i < parameters->count; i++)
    if (name == parameters->items[i]->name) return parameters->items[i];
  return nullptr;
}

/// A matrix of float32 that the host lends for a call.
class matrix {
 public:
  explicit matrix(const clues_tensor *tensor) {
    if (!tensor || tensor->struct_size < CLUES_TENSOR_SIZE || tensor->dtype != CLUES_F32 || tensor->rank != 2)
      throw refusal{"a tensor is no matrix of float32", CLUES_UNSUPPORTED};
    table = tensor;
  }

  int64_t rows() const { return table->shape[0]; }
  int64_t columns() const { return table->shape[1]; }

  float &operator()(int64_t row, int64_t column) const {
    return static_cast<float *>(table->data)[row * table->strides[0] + column * table->strides[1]];
  }

 private:
  const clues_tensor *table;
};
