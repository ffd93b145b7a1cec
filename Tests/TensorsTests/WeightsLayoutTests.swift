import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct WeightsLayoutTests {
  @Test(arguments: [
    "safetensors/every-dtype.safetensors", "peft/adapters/a/adapter_model.safetensors",
    "peft/adapters/pattern/adapter_model.safetensors", "tiny/c0/checkpoint-8/adapter_model.safetensors",
  ])
  func writesTheBytesOfTheReference(_ path: String) throws {
    let bytes = try Bytes(mapping: fixture(path))
    let file = try SafetensorsFile(bytes)
    let written = safetensors(file.tensors, metadata: file.metadata)
    #expect(bytes.withUnsafeBytes { $0.elementsEqual(written) })
  }

  @Test func orderOfTheInputDoesNotMatter() {
    let entries = ["b", "a", "c"].flatMap { name in
      [DType.bf16, .f16, .f32].map { WeightsLayout.Entry(name: name + $0.rawValue, dtype: $0, shape: [3]) }
    }
    #expect(WeightsLayout(safetensors: entries).header == WeightsLayout(safetensors: entries.reversed()).header)
    #expect(
      WeightsLayout(safetensors: entries).entries.map(\.name) == [
        "aF32", "bF32", "cF32", "aBF16", "bBF16", "cBF16", "aF16", "bF16", "cF16",
      ])
  }

  @Test func theHeaderIsPaddedToEight() {
    for length in 1...9 {
      let layout = WeightsLayout(safetensors: [
        .init(name: String(repeating: "n", count: length), dtype: .u8, shape: [])
      ])
      #expect(layout.header.count % 8 == 0)
      #expect(
        layout.header[0...7].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) } + 8
          == layout.header.count)
    }
  }

  /// Formats other than safetensors begin tensors at multiples of a number of bytes.
  @Test func gapsBeforeTensorsAreZeros() throws {
    let entries = [("a", 3), ("b", 0), ("c", 5)].map { WeightsLayout.Entry(name: $0, dtype: .u8, shape: [$1]) }
    let layout = WeightsLayout(header: [9, 9], entries, alignment: 4)
    #expect(layout.offsets == [4, 8, 8] && layout.size == 13)
    let tensors = Dictionary(
      uniqueKeysWithValues: entries.map { entry in
        (
          entry.name,
          Tensor(dtype: .u8, shape: entry.shape, bytes: Bytes([UInt8](repeating: 7, count: entry.byteCount)))
        )
      })
    #expect(layout.chunks(of: tensors).flatMap { $0 } == [9, 9, 0, 0, 7, 7, 7, 0, 7, 7, 7, 7, 7])
  }

  @Test func everyDTypeComesBack() throws {
    var tensors: [String: Tensor] = [:]
    for dtype in DType.allCases {
      let bytes = (0..<(6 * dtype.size)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ dtype.size) }
      tensors["x.\(dtype)"] = Tensor(dtype: dtype, shape: [3, 2, 1], bytes: Bytes(bytes))
      tensors["empty.\(dtype)"] = Tensor(dtype: dtype, shape: [0], bytes: Bytes([]))
    }
    let file = try SafetensorsFile(Bytes(safetensors(tensors, metadata: ["k": "v", "a": "\"\u{1}"])))
    #expect(file.metadata == ["k": "v", "a": "\"\u{1}"])
    #expect(file.tensors.count == tensors.count)
    for (name, tensor) in tensors {
      let read = try #require(file.tensors[name])
      #expect(read.dtype == tensor.dtype)
      #expect(read.shape == tensor.shape)
      #expect(read.bytes.withUnsafeBytes { Array($0) } == tensor.bytes.withUnsafeBytes { Array($0) })
    }
  }
}
