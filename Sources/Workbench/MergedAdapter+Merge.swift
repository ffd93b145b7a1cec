import Adapters
import Diagnostics
import Foundation
import LowRank
import Tensors

extension MergedAdapter {
  /// The adapter that merged modules make.
  init(
    _ modules: [Module], _ contributions: [Contribution], _ settings: MergeSettings,
    absolutes: [(name: String, tensor: Tensor)] = []
  ) {
    self.init(
      modules: modules, absolutes: absolutes, inputs: contributions.map(\.adapter.config),
      baseModel: settings.baseModel ?? contributions[0].adapter.config.baseModel)
  }

  private var layout: SafetensorsLayout {
    SafetensorsLayout(tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) })
  }

  /// How many bytes the tensors have.
  var size: Int { tensors.values.reduce(0) { $0 + $1.bytes.count } }

  /// The bytes of `adapter_model.safetensors`, tensor by tensor.
  var fileChunks: some Sequence<[UInt8]> {
    let (tensors, layout) = (tensors, layout)
    let data = layout.entries.lazy.map { entry in tensors[entry.name]!.bytes.withUnsafeBytes { Array($0) } }
    return [layout.header] + data
  }

  /// Reads what was written as any other adapter and compares it with what was meant.
  ///
  /// - parameter same: Whether a tensor that was read, the first, is the one that was meant.
  /// - throws: ``Failure`` `cannotWrite` when the disk gives back something else.
  func verify(
    config: Bytes, weights: Bytes, threads: Int, comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws {
    @Sendable func wrong(_ what: String) -> Failure {
      Failure(
        .cannotWrite, "the written adapter reads back differently: \(what)",
        advice: "the disk may be failing; if it happens again, report it as a fault of Clues")
    }
    let adapter: Adapter
    do {
      adapter = try Adapter(
        config: config, configFile: "adapter_config.json", weights: weights, weightsFile: "adapter_model.safetensors",
        limits: .none)
    } catch let failure as Failure {
      throw wrong(failure.message)
    }
    guard Set(adapter.modules.keys) == Set(modules.map(\.name)), adapter.absolutes.count == absolutes.count else {
      throw wrong("it has other modules")
    }
    @Sendable func isSame(_ read: Tensor?, _ meant: Tensor?) throws -> Bool {
      guard let read, let meant else { return read == nil && meant == nil }
      return try same(read, meant)
    }
    _ = try inParallel(modules.count, threads: threads) { place in
      let module = modules[place]
      guard let read = adapter.modules[module.name], read.scaling == 1, read.kind == module.kind,
        try same(read.a, module.a), try same(read.b, module.b), try isSame(read.bias, module.bias)
      else { throw wrong("the module '\(module.name)' differs") }
    }
    for (name, tensor) in absolutes {
      guard let read = adapter.absolutes[name], try same(read, tensor) else {
        throw wrong("the tensor '\(name)' differs")
      }
    }
  }
}

/// Whether two tensors hold the same bytes.
func same(_ a: Tensor, _ b: Tensor) -> Bool {
  a.dtype == b.dtype && a.shape == b.shape
    && a.bytes.withUnsafeBytes { a in
      b.bytes.withUnsafeBytes { b in
        a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
      }
    }
}
