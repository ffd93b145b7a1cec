import Adapters
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Workbench

/// What every method has to hold to, in every space.
@Suite struct MergeLawTests {
  struct Choice: CustomTestStringConvertible, Sendable {
    let method: String
    let space: String
    /// Settings under which nothing is trimmed.
    var settings: [(path: String, value: String)] = []
    var testDescription: String { "\(method) in \(space)" }
    var all: [(path: String, value: String)] { [("merge.method", method), ("merge.space", space)] + settings }
  }

  static let whole: [Choice] =
    ["stack", "core", "delta", "factors"].map { Choice(method: "average", space: $0) }
    + ["core", "delta", "factors"].map {
      Choice(method: "ties", space: $0, settings: [("merge.parameters.density", "1")])
    }

  @Test(arguments: whole) func `one adapter comes back as itself`(_ choice: Choice) throws {
    for name in ["a", "r4", "rs", "pattern", "wide"] {
      let path = fixture("peft/adapters/\(name)")
      let result = try TestMerge(inputs: [path], settings: choice.all).deltas()
      #expect(try relativeError(result, deltasOf(readAdapter(path))) < 2e-6, "\(name)")
    }
  }

  @Test(arguments: whole) func `neither order nor threads change a byte`(_ choice: Choice) throws {
    let paths = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }
    let reference = try TestMerge(inputs: paths, settings: choice.all, threads: 1).result().bytes
    for order in [[2, 1, 0], [1, 2, 0]] {
      for threads in [1, 2, 5] {
        let result = try TestMerge(inputs: order.map { paths[$0] }, settings: choice.all, threads: threads).result()
        #expect(result.bytes == reference)
      }
    }
  }

  @Test(arguments: whole.filter { $0.space != "factors" })
  func `the gauge plays no part`(_ choice: Choice) throws {
    try withTemporaryFolder { folder in
      // (B·G, G⁻¹·A) with G diagonal and of powers of two, so that nothing is rounded.
      let gauged = folder.appending(path: "a").path
      try FileManager.default.copyItem(atPath: fixture("peft/adapters/a"), toPath: gauged)
      let file = try SafetensorsFile(
        Bytes(Array(Data(contentsOf: URL(filePath: gauged + "/adapter_model.safetensors")))))
      let tensors = try file.tensors.map { name, tensor -> (String, Tensor) in
        let isA = name.contains("lora_A")
        let rank = isA ? tensor.shape[0] : tensor.shape[1]
        let values = try tensor.floats().enumerated().map { place, value in
          let inner = isA ? place / tensor.shape[1] : place % rank
          return value * Float(sign: .plus, exponent: isA ? inner - 3 : 3 - inner, significand: 1)
        }
        return (name, Tensor(values, shape: tensor.shape))
      }
      try Data(safetensors(Dictionary(uniqueKeysWithValues: tensors))).write(
        to: URL(filePath: gauged + "/adapter_model.safetensors"))
      let others = ["b", "c"].map { fixture("peft/adapters/\($0)") }
      let plain = try TestMerge(inputs: [fixture("peft/adapters/a")] + others, settings: choice.all).deltas()
      let changed = try TestMerge(inputs: [gauged] + others, settings: choice.all).deltas()
      #expect(relativeError(changed, plain) < 1e-5)
    }
  }

  @Test func `the container's dtype changes no byte`() throws {
    try withTemporaryFolder { folder in
      var halves: [String] = []
      var wholes: [String] = []
      for name in ["a", "b"] {
        let source = fixture("peft/adapters/\(name)")
        let file = try SafetensorsFile(Bytes(mapping: source + "/adapter_model.safetensors"))
        for (dtype, stem) in [(DType.bf16, "half"), (.f32, "whole")] {
          let target = folder.appending(path: "\(stem)/\(name)")
          try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
          try FileManager.default.copyItem(
            atPath: source + "/adapter_config.json", toPath: target.path + "/adapter_config.json")
          let tensors = try file.tensors.mapValues { tensor in
            let half = Tensor(try tensor.floats(), shape: tensor.shape, dtype: .bf16)
            return dtype == .bf16 ? half : Tensor(try half.floats(), shape: tensor.shape)
          }
          try Data(safetensors(tensors)).write(to: target.appending(path: "adapter_model.safetensors"))
          if dtype == .bf16 { halves.append(target.path) } else { wholes.append(target.path) }
        }
      }
      let settings = [(path: "merge.method", value: "average"), (path: "output.dtype", value: "float32")]
      #expect(
        try TestMerge(inputs: halves, settings: settings).result().bytes
          == TestMerge(inputs: wholes, settings: settings).result().bytes)
    }
  }

  @Test func `a missing module counts as zero or not at all`() throws {
    let inputs = ["a", "konly"].map { fixture("peft/adapters/\($0)") }
    let only = try deltasOf(readAdapter(inputs[1]))
    let lone = try #require(only.keys.first { !$0.hasSuffix("q_proj") && !$0.hasSuffix("v_proj") })
    for (missing, share) in [("zero", 0.5), ("renormalize", 1.0)] {
      let merged = try TestMerge(
        inputs: inputs, settings: [("merge.method", "average"), ("merge.missing", missing)]
      ).deltas()
      let expected = try #require(only[lone]).map { $0 * share }
      #expect(relativeError(["": try #require(merged[lone])], ["": expected]) < 1e-6)
    }
  }

  @Test func `compression reports what it leaves out`() throws {
    let inputs = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }
    let full = try TestMerge(inputs: inputs, settings: [("merge.method", "average")]).deltas()
    let (adapter, record, _) = try TestMerge(
      inputs: inputs, settings: [("merge.method", "average"), ("merge.rank", "5")]
    ).result()
    #expect(adapter.modules.values.allSatisfy { $0.rank == 5 })
    let compressed = try deltasOf(adapter)
    for figures in record.merge?.modules ?? [] {
      let (x, y) = (try #require(compressed[figures.module]), try #require(full[figures.module]))
      let lost = zip(x, y).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
      #expect(abs(lost - figures.discardedEnergy) < 1e-4 * figures.energy)
      let energy = y.map { $0 * $0 }.reduce(0, +)
      #expect(abs(energy - figures.energy) < 1e-5 * figures.energy)
    }
  }
}
