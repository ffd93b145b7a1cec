import Adapters
import Foundation
import JSON
import Tensors

/// A client's PEFT folder, made up: what clients have in common, and what is its own.
package struct MadeClient {
  package var name: String
  package var seed: UInt64
  package var modules = ["layers.0.q_proj", "layers.1.q_proj", "layers.2.q_proj"]
  package var outputs = 12
  package var inputs = 16
  package var rank = 4
  package var alpha = 8.0
  /// How much of B is the same for all clients; the rest is the client's own.
  package var common = 0.9
  /// Whether A is the client's own as well, as of one that was trained on noise.
  package var isStranger = false
  /// Whose common part of B it is; another number stands for clients who have agreed on one of their own.
  package var sharedSeed: UInt64 = 0
  /// What B is multiplied with.
  package var scale = 1.0

  package init(
    name: String, seed: UInt64, modules: [String] = ["layers.0.q_proj", "layers.1.q_proj", "layers.2.q_proj"],
    outputs: Int = 12, inputs: Int = 16, rank: Int = 4, alpha: Double = 8.0, common: Double = 0.9,
    isStranger: Bool = false, sharedSeed: UInt64 = 0, scale: Double = 1.0
  ) {
    self.name = name
    self.seed = seed
    self.modules = modules
    self.outputs = outputs
    self.inputs = inputs
    self.rank = rank
    self.alpha = alpha
    self.common = common
    self.isStranger = isStranger
    self.sharedSeed = sharedSeed
    self.scale = scale
  }

  /// Writes the folder below another one, and gives its path.
  @discardableResult
  package func write(below folder: URL, as path: String? = nil) throws -> String {
    let folder = folder.appending(path: path ?? name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let config = JSONObject([
      ("peft_type", "LORA"), ("r", JSONValue(rank)), ("lora_alpha", .number(alpha)), ("target_modules", ["q_proj"]),
      ("base_model_name_or_path", "base"),
    ])
    try JSONValue.object(config).text().write(
      to: folder.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
    var tensors: [String: Tensor] = [:]
    for module in modules {
      let stem = "base_model.model.\(module)"
      tensors[stem + ".lora_A.weight"] = Tensor(
        numbers(module + "A", isStranger ? seed : 0, rank * inputs).map { Float($0) }, shape: [rank, inputs])
      let (shared, own) = (
        numbers(module + "B", sharedSeed, outputs * rank), numbers(module + "B", seed, outputs * rank)
      )
      let share = isStranger ? 0 : common
      tensors[stem + ".lora_B.weight"] = Tensor(
        zip(shared, own).map { Float(scale * (share * $0 + (1 - share) * $1)) }, shape: [outputs, rank])
    }
    try Data(safetensors(tensors)).write(to: folder.appending(path: "adapter_model.safetensors"))
    return folder.path
  }

  private func numbers(_ name: String, _ seed: UInt64, _ count: Int) -> [Double] {
    let stream = RandomStream(seed: seed, name)
    return (0..<count).map { Double(stream.block(UInt64($0)).0 >> 40) / Double(1 << 24) - 0.5 }
  }
}

/// Writes clients and gives their paths.
package func write(_ clients: [MadeClient], below folder: URL) throws -> [String] {
  try clients.map { try $0.write(below: folder) }
}
