import Adapters
import Diagnostics
import Recipes
import Tensors

extension [WeightedAdapter] {
  /// Refuses adapters whose merge PEFT could not represent. Must be called before any work is done.
  ///
  /// - parameter policy: What to do with tensors that replace the base model's.
  func checkThatPEFTHolds(_ policy: Recipe.Absolute) throws {
    try checkBiases()
    let replacing = filter { policy.uses($0.client) }
    try checkRoles(replacing)
    try checkSavedModules(replacing)
  }

  /// `tuners/lora/layer.py`, `Embedding`: no lora_bias, and lora_bias is one setting for all modules.
  private func checkBiases() throws {
    guard let biased = lazy.compactMap({ $0.first(where: { $0.bias != nil }) }).first,
      let embedding = lazy.compactMap({ $0.first(where: { $0.kind == .embedding }) }).first
    else { return }
    throw Failure(
      .badData,
      "client '\(biased.client)' has biases in lora_B (lora_bias), and client '\(embedding.client)' adapts the embedding "
        + "'\(embedding.module)': PEFT does not support both in one adapter",
      advice: "leave one of these clients out, or train without lora_bias", client: embedding.client,
      tensor: embedding.module)
  }

  /// A layer is either adapted or replaced; one that comes with its own base weights is adapted.
  private func checkRoles(_ replacing: [WeightedAdapter]) throws {
    for weightedAdapter in replacing {
      let adapted = Set(weightedAdapter.adapter.modules.keys)
      let names = PEFTRules.fileNames(ofReplaced: weightedAdapter.adapter.absolutes.keys.sorted(), besides: [])
      for (tensor, name) in names.sorted(by: { $0.key < $1.key }) {
        guard let layer = replacedLayer(of: name), !adapted.contains(layer),
          let other = first(where: { $0.adapter.modules[layer] != nil })
        else { continue }
        throw Self.clash(tensor, weightedAdapter, layer, other)
      }
    }
  }

  /// `modules_to_save` excludes from LoRA everything below its modules, and whatever else its entries match.
  private func checkSavedModules(_ replacing: [WeightedAdapter]) throws {
    let modules = Set(flatMap { $0.adapter.modules.keys })
    let clash = PEFTRules.clash(
      ofReplaced: Set(replacing.flatMap { $0.adapter.absolutes.keys }).sorted(), with: modules.sorted(),
      base: flatMap { $0.adapter.absolutes.keys }, inputs: map(\.adapter.config))
    guard let clash, let mine = replacing.first(where: { $0.adapter.absolutes[clash.tensor] != nil }),
      let other = first(where: { $0.adapter.modules[clash.module] != nil })
    else { return }
    throw Self.clash(clash.tensor, mine, clash.module, other)
  }

  private static func clash(
    _ tensor: String, _ mine: WeightedAdapter, _ module: String, _ other: WeightedAdapter
  ) -> Failure {
    Failure(
      .badData,
      mine.client == other.client
        ? "an entry of modules_to_save matches both '\(tensor)' and '\(module)', which LoRA adapts: PEFT does not support both "
          + "in one adapter"
        : "client '\(mine.client)' replaces '\(tensor)' whole, and client '\(other.client)' adapts '\(module)' with LoRA: PEFT "
          + "does not support both in one adapter",
      advice:
        "train the layer the same way in all clients, or drop whole tensors: merge.absolute (--absolute) drop",
      client: mine.client, tensor: tensor)
  }

  /// Tensors that replace the base model's, under the names that PEFT uses in the result.
  ///
  /// - throws: ``Failure`` `badData` if two have the same name there.
  package func named(_ tensors: [(name: String, tensor: Tensor)]) throws -> [(name: String, tensor: Tensor)] {
    let names = PEFTRules.fileNames(ofReplaced: tensors.map(\.name), besides: flatMap { $0.adapter.modules.keys })
    let all = Dictionary(grouping: tensors.map(\.name)) { names[$0] ?? $0 }
    if let (name, same) = all.filter({ $1.count > 1 }).min(by: { $0.key < $1.key }) {
      throw Failure(
        .badData, "is the same tensor as '\(same[1])': PEFT stores both as '\(name)'",
        advice:
          "drop whole tensors, merge.absolute (--absolute) drop, or merge clients that adapt the same layers",
        tensor: same[0])
    }
    return tensors.map { (names[$0.name] ?? $0.name, $0.tensor) }
  }
}

extension WeightedAdapter {
  /// The first module by name that satisfies a condition.
  fileprivate func first(where holds: (LoRAModule) -> Bool) -> (client: String, module: String)? {
    adapter.modules.values.filter(holds).map(\.name).min().map { (client, $0) }
  }
}

extension MergedAdapter {
  /// Notes on how PEFT and other programs read the result.
  package var notes: [Note] {
    var notes: [Note] = []
    let extremes = ranks.extremes
    if extremes.lowerBound < extremes.upperBound {
      notes.append(
        .warning(
          "the modules have ranks from \(extremes.lowerBound) to \(extremes.upperBound) with one alpha: PEFT can read that, "
            + "but llama.cpp scales each by alpha over its own rank, and vLLM supports only \(ranks.rank); output.rank_layout: "
            + "uniform (--rank-layout uniform) writes one rank, with \(percent(ranks.uniformCost)) more parameters"))
    }
    if let first = absolutes.map(\.name).min() {
      notes.append(
        .warning(
          "the result replaces "
            + (absolutes.count == 1
              ? "a tensor of the base model, " : "\(absolutes.count) tensors of the base model, such as ")
            + "'\(first)': vLLM rejects "
            + "modules_to_save, and llama.cpp's converter anything but LoRA factors; merge.absolute: drop (--absolute drop) "
            + "omits them"))
    }
    if let droppedTask {
      notes.append(
        .info(
          "the result has no task_type, because PEFT expects the head of \(droppedTask) in the file, and it is not there: "
            + "load the adapter on a model that has its head"))
    }
    for setting in disputedSettings {
      notes.append(
        .info(
          "the result has no \(setting), because the clients differ in it: add it to \(PEFTFile.config) if it matters"))
    }
    return notes
  }
}
