import Foundation

/// The sizes of an adapter that is made for a measurement.
struct Shape {
  let name: String
  let modules: [String]
  let rank: Int
  let width: Int

  var parameterCount: Int { modules.count * 2 * rank * width }

  /// q and v projections of so many layers.
  private init(_ name: String, layers: Int, rank: Int, width: Int) {
    self.name = name
    self.rank = rank
    self.width = width
    modules = (0..<layers).flatMap { layer in
      ["q_proj", "v_proj"].map { "model.layers.\(layer).self_attn.\($0)" }
    }
  }

  /// Llama-2-7B, the adapters of the CLUES paper: 64 modules of 4096 × 4096, 33.6 MB in float32.
  static let llama = Shape("llama-2-7b", layers: 32, rank: 16, width: 4096)

  /// Two layers of it, for what takes seconds a module.
  static let fewLlama = Shape("llama-2-7b-2", layers: 2, rank: 16, width: 4096)

  /// Eight layers of it, for many clients.
  static let someLlama = Shape("llama-2-7b-8", layers: 8, rank: 16, width: 4096)

  /// Half of it.
  static let halfLlama = Shape("llama-2-7b-16", layers: 16, rank: 16, width: 4096)

  /// SmolLM2-135M, the adapters in `checkpoints/`.
  static let smol = Shape("smollm2-135m", layers: 30, rank: 8, width: 576)
}

extension Shape {
  /// Writes the adapter of a client; the same client gets the same bytes everywhere.
  func write(client: Int, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let weights = folder + "/adapter_model.safetensors"
    guard !FileManager.default.fileExists(atPath: weights) else { return }
    let targets = Set(modules.compactMap { $0.split(separator: ".").last }).sorted().map { "\"\($0)\"" }
    let config = """
      {"peft_type": "LORA", "base_model_name_or_path": "\(name)", "r": \(rank), "lora_alpha": \(2 * rank),
       "target_modules": [\(targets.joined(separator: ", "))], "bias": "none", "task_type": "CAUSAL_LM"}
      """
    try config.write(toFile: folder + "/adapter_config.json", atomically: true, encoding: .utf8)
    try NoiseTensor.write(
      modules.flatMap { module in
        [
          NoiseTensor("base_model.model.\(module).lora_A.weight", [rank, width], scale: 0.01),
          NoiseTensor("base_model.model.\(module).lora_B.weight", [width, rank], scale: 0.005),
        ]
      }, seed: client, to: weights)
  }
}
