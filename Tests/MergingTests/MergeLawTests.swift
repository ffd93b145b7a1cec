import Adapters
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Merging

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

  /// Every method that merges any number of clients, with settings under which nothing is trimmed, dropped or rescaled.
  private static let untrimmed: [String: [(path: String, value: String)]] = [
    "average": [], "task-arithmetic": [], "karcher": [], "model-stock": [], "krum": [], "multi-krum": [], "median": [],
    "trimmed-mean": [("merge.parameters.beta", "0")], "ties": [("merge.parameters.density", "1")],
    "dare-ties": [("merge.parameters.density", "1")], "dare-linear": [("merge.parameters.density", "1")],
    "magnitude-prune": [("merge.parameters.density", "1")], "della": [("merge.parameters.density", "1")],
    "della-linear": [("merge.parameters.density", "1")],
    "breadcrumbs": [("merge.parameters.density", "1"), ("merge.parameters.gamma", "0")],
    "breadcrumbs-ties": [("merge.parameters.density", "1"), ("merge.parameters.gamma", "0")],
    "sce": [("merge.parameters.select_topk", "1")], "knots": [("merge.parameters.density", "1")], "tsv": [], "iso": [],
  ]

  /// Every method in every space in which it means something.
  static let all: [Choice] = {
    let methods = try! builtInCatalog().mergeMethods
    return methods.flatMap { method -> [Choice] in
      guard let settings = untrimmed[method.about.id] else { return [] }
      return method.spaces.map { Choice(method: method.about.id, space: $0.rawValue, settings: settings) }
    }
  }()

  /// Methods for which one adapter is itself: not those that flatten its spectrum or need several to compare.
  static let whole = all.filter { !["iso", "krum", "multi-krum", "model-stock"].contains($0.method) }

  @Test func `every method is among them`() throws {
    let known = Set(Self.untrimmed.keys).union(["slerp"])
    #expect(try Set(builtInCatalog().mergeMethods.map(\.about.id)) == known)
  }

  @Test(arguments: whole) func `one adapter comes back as itself`(_ choice: Choice) throws {
    for name in ["a", "r4", "rs", "pattern", "wide"] {
      let path = fixture("peft/adapters/\(name)")
      let result = try TestMerge(inputs: [path], settings: choice.all).deltas()
      #expect(try relativeError(result, deltasOf(readAdapter(path))) < 2e-6, "\(name)")
    }
  }

  @Test(arguments: all) func `neither order nor threads change a byte`(_ choice: Choice) throws {
    let paths = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }
    let reference = try TestMerge(inputs: paths, settings: choice.all, threads: 1).result().bytes
    for order in [[2, 1, 0], [1, 2, 0]] {
      for threads in [1, 2, 5] {
        let result = try TestMerge(inputs: order.map { paths[$0] }, settings: choice.all, threads: threads).result()
        #expect(result.bytes == reference)
      }
    }
  }

  @Test(arguments: all.filter { $0.space != "factors" })
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
        let values = try tensor.floats().enumerated().map { index, value in
          let inner = isA ? index / tensor.shape[1] : index % rank
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

  /// Methods that commute with orthogonal changes of basis give in the core what they give on the deltas.
  @Test(
    arguments: ["average", "task-arithmetic", "karcher", "model-stock", "krum", "multi-krum", "tsv", "iso"])
  func `core and delta agree where the basis does not matter`(_ method: String) throws {
    let inputs = ["a", "b", "c", "rs"].map { fixture("peft/adapters/\($0)") }
    let results = try ["core", "delta"].map { space in
      try TestMerge(
        inputs: inputs, settings: [("merge.method", method), ("merge.space", space), ("merge.rank", "full")]
      ).deltas()
    }
    #expect(relativeError(results[0], results[1]) < 1e-5)
  }

  @Test(
    arguments: ["float32", "float16", "bfloat16"],
    all.filter { choice in
      choice.space != "factors" && whole.contains { $0.testDescription == choice.testDescription }
    })
  func `one adapter survives every dtype`(_ dtype: String, _ choice: Choice) throws {
    let path = fixture("peft/adapters/r4")
    let merged = try TestMerge(inputs: [path], settings: choice.all + [("output.dtype", dtype)]).deltas()
    let tolerance = ["float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3][dtype]!
    #expect(try relativeError(merged, deltasOf(readAdapter(path))) < tolerance)
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

  /// Many clients' factors are read anew each time that they are looked at.
  @Test(arguments: all.filter { $0.space == "factors" }, ["zero", "renormalize"])
  func `what is not held is read again, and nothing changes`(_ choice: Choice, missing: String) throws {
    // The last ones have other modules; nine are more than a block of pairs.
    let paths = ["a", "b", "c", "konly"].flatMap { Array(repeating: fixture("peft/adapters/\($0)"), count: 3) }
    let names = paths.indices.map { ("clients.\($0).name", "client-\($0)") }
    let settings = names + choice.all + [("merge.missing", missing)]
    let held = try TestMerge(inputs: paths, settings: settings).result()
    let read = try TestMerge(inputs: paths, settings: settings, room: MergeRoom(heldElements: 0)).result()
    #expect(held.bytes == read.bytes)
    #expect(held.record.json.objectValue?["merge"] == read.record.json.objectValue?["merge"])
  }

  /// Neither how many rows make a band, nor threads that share a module, nor what is held shows in a result.
  @Test(arguments: all.filter { $0.space == "delta" || $0.space == "factors" })
  func `bands of any size and threads that share a module change no byte`(_ choice: Choice) throws {
    let paths = ["a", "b", "c", "r4"].map { fixture("peft/adapters/\($0)") }
    let inputs = choice.space == "delta" ? paths : Array(paths.prefix(3))
    let reference = try TestMerge(inputs: inputs, settings: choice.all, threads: 1).result().bytes
    for (bands, threads) in [(1, 1), (1, 3), (900, 2), (1 << 22, 5)] {
      let room = MergeRoom(heldElements: bands == 900 ? .max : 0, bandElements: bands, denseElements: 0)
      let result = try TestMerge(inputs: inputs, settings: choice.all, threads: threads, room: room).result()
      #expect(result.bytes == reference, "bands of \(bands), \(threads) threads")
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
    let modules = try #require(record.merge).modules
    #expect(!modules.isEmpty)
    for figures in modules {
      let (x, y) = (try #require(compressed[figures.module]), try #require(full[figures.module]))
      let lost = zip(x, y).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
      #expect(abs(lost - figures.discardedEnergy) < 1e-4 * figures.energy)
      let energy = y.map { $0 * $0 }.reduce(0, +)
      #expect(abs(energy - figures.energy) < 1e-5 * figures.energy)
    }
  }
}
