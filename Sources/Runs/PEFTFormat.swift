import Adapters
import Diagnostics
import Merging
import Tensors
import Threads

/// An adapter as PEFT writes and loads it.
struct PEFTFormat: AdapterFormat {
  let library = "peft"
  let weights = PEFTFile.weights
  let dtype: DType? = nil

  // What PEFT cannot hold, no merge can be of.
  func check(_ adapters: [WeightedAdapter], replaced: [String], dtype: DType) {}

  func draft(of tensors: [WeightsLayout.Entry]) -> WeightsLayout? { WeightsLayout(safetensors: tensors) }

  func contents(of adapter: MergedAdapter) -> (layout: WeightsLayout, tensors: [String: Tensor]) {
    let tensors = adapter.tensors
    return (
      WeightsLayout(
        safetensors: tensors.map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) }), tensors
    )
  }

  func texts(of adapter: MergedAdapter) -> [(name: String, text: String)] { [(PEFTFile.config, adapter.configText)] }

  func verify(
    _ adapter: MergedAdapter, threads: Int, reading: (_ file: String) throws -> Bytes,
    comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws {
    let (config, weights) = try (reading(PEFTFile.config), reading(PEFTFile.weights))
    @Sendable func wrong(_ what: String) -> Failure { .readsBackDifferently(what) }
    let read: Adapter
    let file: [String: Tensor]
    do {
      read = try Adapter(
        config: config, configFile: PEFTFile.config, weights: weights, weightsFile: PEFTFile.weights, limits: .none)
      file = try SafetensorsFile(weights, limits: .none).tensors
    } catch let failure as Failure {
      throw wrong(failure.message)
    }
    guard Set(read.modules.keys) == Set(adapter.modules.map(\.name)), Set(file.keys) == Set(adapter.tensors.keys) else {
      throw wrong("it has other tensors")
    }
    _ = try inParallel(adapter.modules.count, threads: threads) { index in
      let module = adapter.modules[index]
      guard let written = read.modules[module.name], written.scaling == 1, written.kind == module.kind,
        try same(written.a, module.a), try same(written.b, module.b)
      else { throw wrong("the module '\(module.name)' differs") }
      guard let meant = module.bias else { return }
      guard let bias = written.bias, try same(bias, meant) else {
        throw wrong("the bias of the module '\(module.name)' differs")
      }
    }
    for (name, tensor) in adapter.absolutes {
      guard let written = file[tensorName(of: name)], try same(written, tensor) else {
        throw wrong("the tensor '\(name)' differs")
      }
    }
    if let misreading = PEFTReading(read.config, file).misreading {
      throw Failure(
        .badData, "PEFT would not read the result correctly: \(misreading)",
        advice: "nothing was written; merge adapters with similar settings, or report it as a fault of Clues")
    }
  }
}
