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
    let tensors = modules.flatMap { module -> [(name: String, shape: [Int], scale: Float)] in
      [("\(module).lora_A.weight", [rank, width], 0.01), ("\(module).lora_B.weight", [width, rank], 0.005)]
    }.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    var end = 0
    var header = "{\"__metadata__\":{\"format\":\"pt\"}"
    for (name, shape, _) in tensors {
      let size = 4 * shape[0] * shape[1]
      header += ",\"base_model.model.\(name)\":{\"dtype\":\"F32\",\"shape\":[\(shape[0]),\(shape[1])],"
      header += "\"data_offsets\":[\(end),\(end + size)]}"
      end += size
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    // Written piece by piece: what this process has in memory counts as its children's, which begin as it.
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    guard FileManager.default.createFile(atPath: weights + ".part", contents: length + Data(header.utf8)),
      let file = FileHandle(forWritingAtPath: weights + ".part")
    else { throw CommandFailure(description: "\(weights) cannot be written") }
    try file.seekToEnd()
    for (index, (_, shape, scale)) in tensors.enumerated() {
      let seed = UInt64(client) << 32 | UInt64(index)
      try file.write(contentsOf: noise(seed: seed, count: shape[0] * shape[1], scale: scale))
    }
    try file.close()
    try FileManager.default.moveItem(atPath: weights + ".part", toPath: weights)
  }
}

/// Numbers that are spread about as normal ones are: sums of three uniform ones, from SplitMix64.
private func noise(seed: UInt64, count: Int, scale: Float) -> Data {
  var state = mixed(seed)
  var data = Data(count: 4 * count)
  data.withUnsafeMutableBytes { raw in
    let values = raw.bindMemory(to: Float.self)
    for index in 0..<count {
      state &+= 0x9e37_79b9_7f4a_7c15
      let z = mixed(state)
      let sum = Int(z & 0x1f_ffff) + Int(z >> 21 & 0x1f_ffff) + Int(z >> 42 & 0x1f_ffff)
      values[index] = (Float(sum) * 0x1p-21 - 1.5) * 2 * scale
    }
  }
  return data
}

/// The finalizer of SplitMix64.
private func mixed(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
