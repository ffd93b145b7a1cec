import Adapters
import Diagnostics
import JSON
import Tensors
import Testing

/// A config as PEFT writes it, with these settings on top.
func config(_ settings: JSONObject = [:]) -> JSONObject {
  var object: JSONObject = [
    "peft_type": "LORA", "base_model_name_or_path": "base", "r": 2, "lora_alpha": 4, "target_modules": ["q"],
  ]
  for (key, value) in settings.members { object[key] = value }
  return object
}

/// Tensors of these shapes, filled with different numbers.
func tensors(_ shapes: KeyValuePairs<String, [Int]>, dtype: DType = .f32) -> [String: Tensor] {
  Dictionary(
    uniqueKeysWithValues: shapes.enumerated().map { index, entry in
      let count = entry.value.reduce(1, *)
      let values = (0..<count).map { Float((index + 1) * ($0 + 1)) / 8 }
      return (entry.key, Tensor(values, shape: entry.value, dtype: dtype))
    })
}

/// The adapter that these would be read as.
func adapter(_ settings: JSONObject = [:], _ tensors: [String: Tensor]) throws -> Adapter {
  try Adapter(
    config: Bytes(Array(JSONValue.object(config(settings)).text().utf8)), configFile: "adapter_config.json",
    weights: Bytes(safetensors(tensors)), weightsFile: "adapter_model.safetensors")
}

func adapter(_ settings: JSONObject = [:], _ shapes: KeyValuePairs<String, [Int]>) throws -> Adapter {
  try adapter(settings, tensors(shapes))
}

/// The smallest adapter: one module `q` of 3 × 5.
let smallest: KeyValuePairs = [
  "base_model.model.q.lora_A.weight": [2, 5], "base_model.model.q.lora_B.weight": [3, 2],
]
