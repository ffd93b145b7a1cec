import Diagnostics
import Foundation
import JSON
import Models
import Tensors
import TestSupport

/// The models that transformers saved, by folder.
let savedModels = [
  "llama-bare", "llama-linear", "llama-yarn", "llama2", "llama3", "mistral", "mistral-full", "qwen2", "qwen2-window",
  "qwen3", "qwen3-window",
]

/// All tensors of a fixture's folder as the safetensors reader has them, with the names of the whole model.
func savedTensors(_ model: String) throws -> [String: Tensor] {
  let folder = fixture("models/\(model)")
  let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
    $0.hasPrefix("model") && $0.hasSuffix(".safetensors")
  }
  var tensors: [String: Tensor] = [:]
  for file in files {
    for (name, tensor) in try SafetensorsFile(Bytes(mapping: "\(folder)/\(file)")).tensors {
      tensors[name.hasPrefix("model.") || name.hasPrefix("lm_head.") ? name : "model.\(name)"] = tensor
    }
  }
  return tensors
}

/// What a model holds, by the names of the whole model.
func parts(of model: LanguageModel) throws -> [String: [Float]] {
  var parts = [
    "model.embed_tokens.weight": try floats(model.embeddings), "model.norm.weight": model.finalNorm,
    "lm_head.weight": try floats(model.head),
  ]
  for (place, layer) in model.layers.enumerated() {
    let name = "model.layers.\(place)"
    parts["\(name).input_layernorm.weight"] = layer.inputNorm
    parts["\(name).post_attention_layernorm.weight"] = layer.feedForwardNorm
    parts["\(name).self_attn.q_norm.weight"] = layer.queryNorm
    parts["\(name).self_attn.k_norm.weight"] = layer.keyNorm
    for linear in [layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down] {
      parts["\(linear.name).weight"] = try floats(linear.weight)
      parts["\(linear.name).bias"] = linear.bias
    }
  }
  return parts
}

/// All elements of a matrix.
func floats(_ matrix: WeightMatrix) throws -> [Float] { try floats(matrix, 0..<matrix.rowCount) }

func floats(_ matrix: WeightMatrix, _ rows: Range<Int>) throws -> [Float] {
  let count = rows.count * matrix.columnCount
  let scratch = UnsafeMutablePointer<Float>.allocate(capacity: count)
  defer { scratch.deallocate() }
  return try matrix.withFloats(rows, scratch: matrix.needsScratch ? scratch : nil) {
    Array(UnsafeBufferPointer(start: $0, count: count))
  }
}

func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// A JSON file of the fixtures.
func json(_ path: String) throws -> JSONValue {
  try Bytes(mapping: fixture(path)).withUnsafeBytes { try JSONReader().read($0) }
}

/// A folder that can be spoiled: the files of a saved model, with changes.
struct ModelFolder {
  var config: JSONObject
  var tensors: [String: Tensor]
  var files: [String: [UInt8]] = [:]

  init(_ model: String) throws {
    config = try json("models/\(model)/config.json").objectValue ?? [:]
    tensors = try savedTensors(model)
  }

  /// Opens it as `model.safetensors`, unless `files` has the weights.
  func opened() throws -> LanguageModel {
    try withTemporaryFolder { folder in
      var files = files
      files["config.json"] = files["config.json"] ?? Array(JSONValue.object(config).text().utf8)
      if !files.keys.contains(where: { $0.hasSuffix("safetensors") || $0.hasSuffix("json") && $0.hasPrefix("model") }) {
        files["model.safetensors"] = safetensors(tensors)
      }
      for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
      let model = try LanguageModel(at: folder.path)
      // What is mapped is read while the file is there.
      _ = try parts(of: model)
      return model
    }
  }
}
