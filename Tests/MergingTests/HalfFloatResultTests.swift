import Adapters
import Bundles
import Diagnostics
import Foundation
import JSON
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Merging
@testable import Runs

/// Results in 16 bits are what they would be in 32, but for rounding, or are not in 16 bits, and that is said.
@Suite struct HalfFloatResultTests {
  /// Writes a PEFT folder with normal-ish numbers times `scale` in A and B and what else is given.
  private static func write(
    _ folder: URL, seed: UInt64, scaleA: Float = 0.02, scaleB: Float = 0.02, dtype: DType = .f32, rank: Int = 4,
    others: [String: Tensor] = [:], config: [(String, JSONValue)] = []
  ) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try JSONValue.object(
      JSONObject(
        [
          ("peft_type", "LORA"), ("r", JSONValue(rank)), ("lora_alpha", JSONValue(rank)), ("target_modules", ["proj"]),
          ("base_model_name_or_path", "base"),
        ] + config)
    ).text().write(to: folder.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
    func tensor(_ name: String, _ shape: [Int], _ scale: Float) -> Tensor {
      let stream = RandomStream(seed: seed, name)
      let values = (0..<shape[0] * shape[1]).map {
        scale * Float(Double(stream.block(UInt64($0)).0 >> 40) / Double(1 << 23) - 1)
      }
      return Tensor(values, shape: shape, dtype: dtype)
    }
    var tensors = [
      "base_model.model.proj.lora_A.weight": tensor("A", [rank, 24], scaleA),
      "base_model.model.proj.lora_B.weight": tensor("B", [32, rank], scaleB),
    ]
    tensors.merge(others) { $1 }
    try Data(safetensors(tensors)).write(to: folder.appending(path: "adapter_model.safetensors"))
    return folder.path
  }

  private static func merge(
    _ paths: [String], _ settings: [(path: String, value: String)]
  ) throws -> (adapter: Adapter, warnings: [String], deltas: [String: [Double]]) {
    let result = try TestMerge(inputs: paths, settings: settings).result()
    return (
      result.adapter, result.record.notes.filter { $0.severity == .warning }.map(\.text), try deltasOf(result.adapter)
    )
  }

  /// Of many clients each has a small part, which goes into B alone.
  @Test(arguments: [("float16", 0.002), ("bfloat16", 0.016)], ["stack", "core", "delta"])
  func manyClientsLoseNothing(_ half: (dtype: String, tolerance: Double), _ space: String) throws {
    try withTemporaryFolder { folder in
      let paths = try (0..<30).map {
        try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0), scaleB: 3e-5, dtype: .f16)
      }
      let settings = [(path: "merge.method", value: "average"), ("merge.space", space), ("merge.rank", "full")]
      let whole = try Self.merge(paths, settings + [("output.dtype", "float32")])
      let merged = try Self.merge(paths, settings + [("output.dtype", half.dtype)])
      #expect(relativeError(merged.deltas, whole.deltas) < half.tolerance)
      #expect(merged.adapter.modules["proj"]?.b.dtype.torchName == half.dtype)
      #expect(!merged.warnings.contains { $0.contains("written as float32") })
    }
  }

  /// An update that float16 cannot hold, however it is split, stays in float32.
  @Test(arguments: ["float16", "auto"], ["average", "ties"])
  func whatIsTooSmallStaysInFloat32(_ dtype: String, _ method: String) throws {
    try withTemporaryFolder { folder in
      let paths = try (0..<2).map {
        try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0), scaleA: 2e-6, scaleB: 2e-6, dtype: .f16)
      }
      let settings = [(path: "merge.method", value: method)]
      let whole = try Self.merge(paths, settings + [("output.dtype", "float32")])
      let merged = try Self.merge(paths, settings + [("output.dtype", dtype)])
      #expect(relativeError(merged.deltas, whole.deltas) < 1e-6)
      #expect(merged.adapter.modules["proj"]?.a.dtype == .f32)
      #expect(
        merged.warnings.contains(
          "written as float32, because float16 would change it by more than rounding does: the module 'proj'"))
    }
  }

  @Test func whatFitsKeepsItsBytes() throws {
    let path = fixture("peft/adapters/r4")
    let settings = [(path: "merge.method", value: "average")]
    let whole = try TestMerge(inputs: [path], settings: settings).result().adapter
    let half = try TestMerge(inputs: [path], settings: settings + [("output.dtype", "float16")]).result().adapter
    for (name, module) in whole.modules {
      let found = try #require(half.modules[name])
      #expect(try same(found.a, Tensor(module.a.floats(), shape: module.a.shape, dtype: .f16)))
      #expect(try same(found.b, Tensor(module.b.floats(), shape: module.b.shape, dtype: .f16)))
    }
  }

  @Test func residualsLoseNothing() throws {
    try withTemporaryFolder { folder in
      let paths = try (0..<3).map {
        try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0), scaleA: 1e-5, scaleB: 1e-5)
      }
      let output = folder.appending(path: "run").path
      let recipe = try TestMerge(
        inputs: paths,
        settings: [
          ("merge.method", "average"), ("merge.rank", "4"), ("merge.residual", "true"), ("output.dtype", "float16"),
        ]
      ).recipe
      _ = try Bench(catalog: builtInCatalog(), threads: 2).run(recipe, output: output, replacing: false)
      let whole = try TestMerge(
        inputs: paths, settings: [("merge.method", "average"), ("output.dtype", "float32")]
      ).deltas()
      let both = try deltasOf(readAdapter(output)).merging(deltasOf(readAdapter(output + "/residual"))) {
        zip($0, $1).map(+)
      }
      #expect(relativeError(both, whole) < 0.002)
    }
  }

  @Test func biasesAndReplacedTensorsLoseNothing() throws {
    try withTemporaryFolder { folder in
      let small = Tensor([1e-9, -2e-9, 3e-9], shape: [3])
      let fine = Tensor([1, -2, 3], shape: [3])
      let bias = Tensor((0..<32).map { 1e-9 * Float($0) }, shape: [32])
      let paths = try (0..<2).map {
        try Self.write(
          folder.appending(path: "c\($0)"), seed: UInt64($0),
          others: [
            "base_model.model.small.weight": small, "base_model.model.fine.weight": fine,
            "base_model.model.proj.lora_B.bias": bias,
          ], config: [("modules_to_save", ["small", "fine"]), ("lora_bias", true)])
      }
      let merged = try Self.merge(
        paths, [("merge.method", "average"), ("merge.absolute", "average"), ("output.dtype", "float16")])
      #expect(try merged.adapter.absolutes["small.weight"]?.floats() == [1e-9, -2e-9, 3e-9])
      #expect(merged.adapter.absolutes["fine.weight"]?.dtype == .f16)
      #expect(merged.adapter.modules["proj"]?.a.dtype == .f16)
      let found = try #require(merged.adapter.modules["proj"]?.bias).floats()
      #expect(try zip(found, bias.floats()).allSatisfy { abs($0 - $1) <= 1e-6 * $1.magnitude })
      #expect(merged.warnings.contains { $0.hasSuffix("the module 'proj'") })
      #expect(merged.warnings.contains { $0.hasSuffix("the tensor 'small.weight'") })
    }
  }

  // MARK: Products beyond float32

  static let spaces = [
    ("average", "stack"), ("average", "core"), ("average", "delta"), ("average", "factors"), ("ties", "core"),
    ("ties", "delta"), ("ties", "factors"), ("krum", "delta"), ("della", "delta"), ("karcher", "core"),
  ]

  @Test(arguments: spaces) func aClientBeyondFloat32IsRefused(_ method: String, _ space: String) throws {
    try withTemporaryFolder { folder in
      var paths = try (0..<3).map { try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0)) }
      paths[1] = try Self.write(folder.appending(path: "huge"), seed: 9, scaleA: 1e20, scaleB: 1e20)
      let failure = try failure {
        try Self.merge(paths, [("merge.method", method), ("merge.space", space)])
      }
      #expect(failure.kind == .badData)
      #expect(failure.client == "huge", "\(failure)")
      #expect(failure.tensor == "proj")
      #expect(failure.message.contains("beyond the range of float"), "\(failure)")
    }
  }

  @Test(arguments: [("average", "stack"), ("average", "core"), ("average", "factors")])
  func aResultBeyondFloat32IsRefused(_ method: String, _ space: String) throws {
    try withTemporaryFolder { folder in
      // Each is within the range, B and A too.
      let paths = try (0..<2).map {
        try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0), scaleA: 1e15, scaleB: 1e15)
      }
      let failure = try failure {
        try Self.merge(
          paths,
          [
            ("merge.method", method), ("merge.space", space), ("merge.parameters.normalize", "false"),
            ("clients.0.weight", "1e12"), ("clients.1.weight", "1"),
          ])
      }
      #expect(failure.kind == .badData)
      #expect(failure.tensor == "proj")
      #expect(failure.message.contains("beyond the range of float32"), "\(failure)")
    }
  }

  // MARK: Packing

  private static func adapter(in bundle: String) throws -> Adapter {
    try #require(try Bundle.open(bundle, wanting: [.adapter]).adapter).adapter()
  }

  private final class Listener: Observer {
    private let texts = Mutex<[String]>([])
    var heard: [String] { texts.withLock { $0 } }
    func begin(_ stage: RunStage, total: Int?) {}
    func advance(_ stage: RunStage, by amount: Int) {}
    func end(_ stage: RunStage) {}
    func note(_ note: Note) { texts.withLock { $0.append(note.text) } }
  }

  @Test(arguments: [DType.f16, .bf16]) func whatDoesNotFitIsPackedAsItIs(_ dtype: DType) throws {
    try withTemporaryFolder { folder in
      let other = Tensor([1e-9, 2e-9], shape: [2])
      let source = try Self.write(
        folder.appending(path: "client"), seed: 1, scaleB: 1e-9, others: ["base_model.model.head.weight": other],
        config: [("modules_to_save", ["head"])])
      var packing = Packing(source: source, output: folder.path + "/client.tar")
      packing.dtype = dtype
      let listener = Listener()
      _ = try packing.run(listener)
      let packed = try Self.adapter(in: folder.path + "/client.tar")
      let meant = try readAdapter(source)
      if dtype == .f16 {
        #expect(packed.modules["proj"]?.b.dtype == .f32)
        #expect(packed.modules["proj"]?.a.dtype == .f32)
        #expect(try packed.absolutes["head.weight"]?.floats() == other.floats())
        #expect(try relativeError(deltasOf(packed), deltasOf(meant)) == 0)
        #expect(
          listener.heard == [
            "adapter_model.safetensors: float16 would change more than rounding does, so 3 tensors keep their type: "
              + "'base_model.model.head.weight' and others"
          ])
      } else {
        #expect(packed.modules["proj"]?.b.dtype == .bf16)
        #expect(packed.absolutes["head.weight"]?.dtype == .bf16)
        #expect(try relativeError(deltasOf(packed), deltasOf(meant)) < 0.01)
        #expect(listener.heard.isEmpty)
      }
    }
  }

  @Test func whatFitsIsPackedInHalf() throws {
    try withTemporaryFolder { folder in
      let source = try Self.write(folder.appending(path: "client"), seed: 1)
      var packing = Packing(source: source, output: folder.path + "/client.tar")
      packing.dtype = .f16
      _ = try packing.run()
      let packed = try Self.adapter(in: folder.path + "/client.tar")
      #expect(packed.modules["proj"]?.b.dtype == .f16 && packed.modules["proj"]?.a.dtype == .f16)
      #expect(try relativeError(deltasOf(packed), deltasOf(readAdapter(source))) < 0.002)
    }
  }

  /// Updates that are no longer float32 numbers: kept as factors and said, or refused, in every type.
  @Test(arguments: ["float32", "float16", "bfloat16"]) func whatVanishesIsSeen(_ dtype: String) throws {
    try withTemporaryFolder { folder in
      let paths = try (0..<2).map {
        try Self.write(folder.appending(path: "c\($0)"), seed: UInt64($0), scaleA: 1e-25, scaleB: 1e-25)
      }
      let settings = [(path: "merge.method", value: "average"), ("output.dtype", dtype)]
      let merged = try Self.merge(paths, settings)
      #expect(merged.warnings.contains { $0.contains("the merged update of 'proj' is below the range of float32") })
      let alone = try paths.map { try Self.merge([$0], settings).deltas }
      let mean = zip(alone[0]["proj"] ?? [], alone[1]["proj"] ?? []).map { ($0 + $1) / 2 }
      #expect(mean.contains { $0 != 0 } && relativeError(merged.deltas, ["proj": mean]) < 1e-5)
      // Beside an update of ordinary size it is nothing.
      let ordinary = try Self.write(folder.appending(path: "o"), seed: 9)
      for space in ["delta", "core"] {
        let ties = [(path: "merge.method", value: "ties"), ("merge.space", space), ("output.dtype", dtype)]
        expectFailure(.badData, "the update s·B·A, times its weight, is below the range of float32") {
          try Self.merge(paths, ties)
        }
        #expect(try !Self.merge([ordinary, paths[0]], ties).warnings.contains { $0.contains("below the range") })
      }
      // Below the normal range, where digits go first.
      let subnormal = try (0..<2).map {
        try Self.write(folder.appending(path: "s\($0)"), seed: UInt64($0), scaleA: 1, scaleB: Float(bitPattern: 70))
      }
      let scaled = [(path: "merge.method", value: "average"), ("output.dtype", dtype), ("merge.space", "factors")]
      expectFailure(.badData, "below the range of float32") { try Self.merge(subnormal, scaled) }
    }
  }
}
