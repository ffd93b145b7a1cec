import Adapters
import Diagnostics
import LowRank
import Tensors

extension MergedAdapter {
  /// The adapter that the merged modules make, in the type that it is written in.
  init(
    _ merged: [Merger.Merged], _ contributions: [Contribution], _ settings: MergeSettings, dtype: DType,
    absolutes: [(name: String, tensor: Tensor)]
  ) throws {
    let modules = try merged.map { module -> Module in
      guard let model = contributions.lazy.compactMap({ $0.adapter.modules[module.name] }).first else {
        preconditionFailure("a merged module comes from a client")
      }
      return try locating(tensor: module.name) {
        Module(
          name: module.name, kind: model.kind,
          a: try stored(module.factors.a.elements, shape: [module.factors.rank] + model.a.shape.dropFirst(), dtype),
          b: try stored(
            module.factors.b.elements, shape: [model.outputs, module.factors.rank] + model.b.shape.dropFirst(2), dtype),
          bias: try module.bias.map { try stored($0, shape: [$0.count], dtype) })
      }
    }
    self.init(
      modules: modules,
      absolutes: absolutes,
      inputs: contributions.map(\.adapter.config),
      baseModel: settings.baseModel ?? contributions[0].adapter.config.baseModel)
  }

  /// The adapter of what compression left out; nil when that is nothing.
  ///
  /// Loaded beside the merged one it gives back the whole merge (FedEx-LoRA, Singhal et al. 2024, keeps it likewise).
  init?(
    residualOf merged: [Merger.Merged], _ contributions: [Contribution], _ settings: MergeSettings, dtype: DType
  ) throws {
    let rest = merged.compactMap { module in
      module.residual.map {
        Merger.Merged(name: module.name, factors: $0, bias: nil, residual: nil, figures: module.figures)
      }
    }
    guard !rest.isEmpty else { return nil }
    try self.init(rest, contributions, settings, dtype: dtype, absolutes: [])
  }

  /// The bytes of `adapter_model.safetensors`, tensor by tensor.
  var fileChunks: some Sequence<[UInt8]> {
    let tensors = tensors
    let layout = SafetensorsLayout(
      tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) })
    let data = layout.entries.lazy.map { entry in tensors[entry.name]!.bytes.withUnsafeBytes { Array($0) } }
    return [layout.header] + data
  }

  /// Reads what was written as any other adapter and compares it with what was meant.
  ///
  /// - throws: ``Failure`` `cannotWrite` when the disk gives back something else.
  func verify(config: Bytes, weights: Bytes) throws {
    func wrong(_ what: String) -> Failure {
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
    for module in modules {
      guard let read = adapter.modules[module.name], read.scaling == 1, read.kind == module.kind,
        same(read.a, module.a), same(read.b, module.b), module.bias.map({ same(read.bias ?? read.a, $0) }) ?? true
      else { throw wrong("the module '\(module.name)' differs") }
    }
    for (name, tensor) in absolutes {
      guard let read = adapter.absolutes[name], same(read, tensor) else { throw wrong("the tensor '\(name)' differs") }
    }
  }
}

/// Merged numbers in the type that they are written in.
///
/// - throws: ``Failure`` `badData` when one is too large for the type.
func stored(_ values: [Float], shape: [Int], _ dtype: DType) throws -> Tensor {
  let tensor = Tensor(values, shape: shape, dtype: dtype)
  guard try tensor.isFinite() else {
    throw Failure(
      .badData, "the merged module holds numbers too large for \(dtype.torchName)",
      advice: "write it as bfloat16 or float32: output.dtype (--dtype)")
  }
  return tensor
}

private func same(_ a: Tensor, _ b: Tensor) -> Bool {
  a.dtype == b.dtype && a.shape == b.shape
    && a.bytes.withUnsafeBytes { a in b.bytes.withUnsafeBytes { b in a.elementsEqual(b) } }
}
