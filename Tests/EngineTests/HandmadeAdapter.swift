import Adapters
import Tensors

/// An adapter as PEFT would write it, of random factors.
struct HandmadeAdapter {
  struct Factors {
    var module: String
    var inputs: Int
    var outputs: Int
    var rank = 3
    var scaleOfB: Float = 0.3
  }

  var factors: [Factors]
  var extra: [(name: String, shape: [Int])] = []
  var settings = ""

  func adapter() throws -> Adapter {
    var tensors: [(name: String, shape: [Int], values: [Float])] = []
    func random(_ name: String, _ shape: [Int], _ scale: Float) {
      var state = UInt64(name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) })
      tensors.append(
        (
          name, shape,
          (0..<shape.reduce(1, *)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return scale * (Float(state >> 40) / Float(1 << 23) - 1)
          }
        ))
    }
    for factor in factors {
      let name = "base_model.model.\(factor.module)"
      random("\(name).lora_A.weight", [factor.rank, factor.inputs], 0.3)
      random("\(name).lora_B.weight", [factor.outputs, factor.rank], factor.scaleOfB)
    }
    for tensor in extra { random("base_model.model.\(tensor.name)", tensor.shape, 0.3) }
    var (header, offset) = (["\"__metadata__\":{\"format\":\"pt\"}"], 0)
    for tensor in tensors {
      let size = 4 * tensor.values.count
      header.append(
        "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(offset + size)]}"
      )
      offset += size
    }
    var text = Array("{\(header.joined(separator: ","))}".utf8)
    text += Array(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init)
    let body = tensors.flatMap { $0.values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) } }
    let config =
      "{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":6,\"target_modules\":[\"q_proj\"]\(settings.isEmpty ? "" : ",")\(settings)}"
    return try Adapter(
      config: Bytes(config.utf8), configFile: "adapter_config.json", weights: Bytes(length + text + body),
      weightsFile: "adapter_model.safetensors")
  }
}
