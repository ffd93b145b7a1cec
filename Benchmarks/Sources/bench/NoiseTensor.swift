import Foundation

/// A float32 tensor of noise, or of ones where `scale` is nil.
struct NoiseTensor {
  let name: String
  let shape: [Int]
  let scale: Float?

  init(_ name: String, _ shape: [Int], scale: Float?) { (self.name, self.shape, self.scale) = (name, shape, scale) }

  var count: Int { shape.reduce(1, *) }

  /// Writes a safetensors file, whole; the same seed gives the same bytes everywhere.
  static func write(_ tensors: [NoiseTensor], seed: Int, to path: String) throws {
    let tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    var end = 0
    var header = "{\"__metadata__\":{\"format\":\"pt\"}"
    for tensor in tensors {
      let extents = tensor.shape.map(String.init).joined(separator: ",")
      header += ",\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":[\(extents)],"
      header += "\"data_offsets\":[\(end),\(end + 4 * tensor.count)]}"
      end += 4 * tensor.count
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    // Written piece by piece: what this process has in memory counts as its children's, which begin as it.
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    guard FileManager.default.createFile(atPath: path + ".part", contents: length + Data(header.utf8)),
      let file = FileHandle(forWritingAtPath: path + ".part")
    else { throw CommandFailure(description: "\(path) cannot be written") }
    try file.seekToEnd()
    for (index, tensor) in tensors.enumerated() {
      var noise = Noise(seed: UInt64(seed) << 32 | UInt64(index))
      for start in stride(from: 0, to: tensor.count, by: piece) {
        try file.write(contentsOf: noise.next(min(piece, tensor.count - start), scale: tensor.scale))
      }
    }
    try file.close()
    try FileManager.default.moveItem(atPath: path + ".part", toPath: path)
  }

  private static let piece = 1 << 20
}

/// Numbers that are spread about as normal ones are: sums of three uniform ones, from SplitMix64.
private struct Noise {
  private var state: UInt64

  init(seed: UInt64) { state = Self.mixed(seed) }

  /// The bytes of the next numbers; ones where `scale` is nil.
  mutating func next(_ count: Int, scale: Float?) -> Data {
    var data = Data(count: 4 * count)
    data.withUnsafeMutableBytes { raw in
      let values = raw.bindMemory(to: Float.self)
      for index in 0..<count {
        state &+= 0x9e37_79b9_7f4a_7c15
        let z = Self.mixed(state)
        let sum = Int(z & 0x1f_ffff) + Int(z >> 21 & 0x1f_ffff) + Int(z >> 42 & 0x1f_ffff)
        values[index] = scale.map { (Float(sum) * 0x1p-21 - 1.5) * 2 * $0 } ?? 1
      }
    }
    return data
  }

  /// The finalizer of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
