import Adapters
import Diagnostics
import Foundation
import LowRank
import Tensors
import Threads

extension MergedAdapter {
  /// The adapter made of merged modules.
  package init(
    _ modules: [Module], _ weightedAdapters: [WeightedAdapter], _ settings: MergeSettings,
    absolutes: [(name: String, tensor: Tensor)] = []
  ) {
    self.init(
      modules: modules, absolutes: absolutes, inputs: weightedAdapters.map(\.adapter.config),
      baseModel: settings.baseModel ?? weightedAdapters[0].adapter.config.baseModel,
      base: weightedAdapters.flatMap { $0.adapter.absolutes.keys }, style: settings.rankLayout)
  }

  private var layout: SafetensorsLayout {
    SafetensorsLayout(tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) })
  }

  /// The number of bytes of the tensors.
  package var size: Int { tensors.values.reduce(0) { $0 + $1.bytes.count } }

  /// The bytes of `adapter_model.safetensors`, tensor by tensor.
  package var fileChunks: some Sequence<[UInt8]> {
    let (tensors, layout) = (tensors, layout)
    let data = layout.entries.lazy.map { entry in tensors[entry.name]!.bytes.withUnsafeBytes { Array($0) } }
    return [layout.header] + data
  }

  /// Reads the written adapter like any other, and as PEFT does, and compares it with what was intended.
  ///
  /// - parameter same: Whether the tensor that was read, the first, is the intended one.
  /// - throws: ``Failure`` `cannotWrite` if the disk returns something else, `badData` if PEFT would read it differently.
  package func verify(
    config: Bytes, weights: Bytes, threads: Int, comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws {
    @Sendable func wrong(_ what: String) -> Failure {
      Failure(
        .cannotWrite, "the written adapter reads back differently: \(what)",
        advice: "the disk may be failing; if it happens again, report it as a bug in Clues")
    }
    let adapter: Adapter
    let file: [String: Tensor]
    do {
      adapter = try Adapter(
        config: config, configFile: "adapter_config.json", weights: weights, weightsFile: "adapter_model.safetensors",
        limits: .none)
      file = try SafetensorsFile(weights, limits: .none).tensors
    } catch let failure as Failure {
      throw wrong(failure.message)
    }
    guard Set(adapter.modules.keys) == Set(modules.map(\.name)), Set(file.keys) == Set(tensors.keys) else {
      throw wrong("it has other tensors")
    }
    _ = try inParallel(modules.count, threads: threads) { index in
      let module = modules[index]
      guard let read = adapter.modules[module.name], read.scaling == 1, read.kind == module.kind,
        try same(read.a, module.a), try same(read.b, module.b)
      else { throw wrong("the module '\(module.name)' differs") }
      guard let meant = module.bias else { return }
      guard let bias = read.bias, try same(bias, meant) else {
        throw wrong("the bias of the module '\(module.name)' differs")
      }
    }
    for (name, tensor) in absolutes {
      guard let read = file[tensorName(of: name)], try same(read, tensor) else {
        throw wrong("the tensor '\(name)' differs")
      }
    }
    if let misreading = PEFTReading(adapter.config, file).misreading {
      throw Failure(
        .badData, "PEFT would misread the result: \(misreading)",
        advice: "nothing was written; merge adapters with similar settings, or report it as a bug in Clues")
    }
  }
}

/// Whether two tensors hold the same bytes.
package func same(_ a: Tensor, _ b: Tensor) -> Bool {
  a.dtype == b.dtype && a.shape == b.shape
    && a.bytes.withUnsafeBytes { a in
      b.bytes.withUnsafeBytes { b in
        a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
      }
    }
}
