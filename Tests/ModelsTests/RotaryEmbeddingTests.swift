import JSON
import Testing

@testable import Models

@Suite struct RotaryEmbeddingTests {
  /// The power of torch is not always the nearest float, which ours is.
  @Test func agreesWithTransformers() throws {
    let cases = try #require(try json("models/rope.json").arrayValue)
    #expect(cases.count == 66)
    var (same, all) = (0, 0)
    for entry in cases {
      let config = try #require(entry.objectValue?["config"]?.objectValue)
      let rotation = try HuggingFaceConfig(config).shape.rotation
      let want = try #require(entry.objectValue?["frequencies"]?.arrayValue).compactMap(\.intValue)
      #expect(rotation.frequencies.count == want.count)
      for (found, bits) in zip(rotation.frequencies, want) {
        let distance = abs(Int(found.bitPattern) - bits)
        #expect(distance <= 1, "\(found) and \(Float(bitPattern: UInt32(bits))) of \(config)")
        same += distance == 0 ? 1 : 0
        all += 1
      }
      #expect(rotation.scale == Float(entry.objectValue?["scale"]?.doubleValue ?? 0))
    }
    #expect(Double(same) > 0.99 * Double(all), "\(same) of \(all) frequencies have the same bits")
  }

  @Test func dividesByFactors() throws {
    let plain = try RotaryEmbedding(headWidth: 8, base: 10_000, scaling: .none)
    let divided = try RotaryEmbedding(headWidth: 8, base: 10_000, scaling: .factors([1, 2, 4, 8]))
    #expect(divided.frequencies == zip(plain.frequencies, [1, 2, 4, 8]).map { $0 / $1 })
    #expect(plain.frequencies == [1, 0.1, 0.01, 0.001])
  }
}
