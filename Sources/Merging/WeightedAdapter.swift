import Adapters
import Diagnostics
import Tensors

/// One client's contribution to a merge.
package struct WeightedAdapter: Sendable {
  package let client: String
  /// The client's index in the recipe, where its own parameters are.
  package let place: Int
  package let adapter: Adapter
  package let weight: Double

  package init(client: String, place: Int, adapter: Adapter, weight: Double) {
    self.client = client
    self.place = place
    self.adapter = adapter
    self.weight = weight
  }
}

/// Refuses a tensor with float64 numbers that float32 cannot hold.
func checkNarrowing(of tensor: Tensor, _ name: String, client: String) throws {
  let error = tensor.narrowingError()
  guard error > faithfulNarrowing else { return }
  throw Failure(
    .badData,
    "contains float64 numbers that are too \(error.isInfinite ? "large" : "small") for float32, in which adapters are merged",
    advice: "leave this client out, or save its adapter as float32 and check what remains of it", client: client,
    tensor: name)
}

extension [WeightedAdapter] {
  /// Checks that the adapters belong together: one base model, and for every module one shape, kind and orientation.
  ///
  /// - parameter mixesBases: Whether the user allowed different bases.
  package func checkThatTheyFit(mixesBases: Bool) throws {
    guard let first else { throw Failure(.usage, "there is nothing to merge") }
    for other in dropFirst() where !mixesBases {
      try compare(first, other, "base model", \.baseModel)
      try compare(first, other, "revision of the base model", \.revision)
    }
    var seen: [String: (client: String, module: LoRAModule, fanInFanOut: Bool)] = [:]
    for weightedAdapter in self {
      for (name, module) in weightedAdapter.adapter.modules.sorted(by: { $0.key < $1.key }) {
        let fanInFanOut = weightedAdapter.adapter.config.fanInFanOut
        guard let known = seen[name] else {
          seen[name] = (weightedAdapter.client, module, fanInFanOut)
          continue
        }
        func differs(_ what: String, _ mine: String, _ theirs: String) -> Failure {
          Failure(
            .badData, "\(what) is \(mine), but in client '\(known.client)' it is \(theirs)",
            advice: "adapters can be merged only if they were trained on the same base model",
            client: weightedAdapter.client, tensor: name)
        }
        let (mine, theirs) = (module, known.module)
        if (mine.outputs, mine.inputs) != (theirs.outputs, theirs.inputs) {
          throw differs(
            "the layer's size", "\(mine.outputs) × \(mine.inputs)", "\(theirs.outputs) × \(theirs.inputs)")
        }
        if mine.kind != theirs.kind || mine.a.shape.dropFirst() != theirs.a.shape.dropFirst() {
          throw differs(
            "the layer", "\(mine.kind.rawValue) \(mine.a.shape)", "\(theirs.kind.rawValue) \(theirs.a.shape)")
        }
        if fanInFanOut != known.fanInFanOut {
          throw differs("fan_in_fan_out", "\(fanInFanOut)", "\(known.fanInFanOut)")
        }
      }
    }
    let orientations = Set(map(\.adapter.config.fanInFanOut))
    if orientations.count > 1 {
      throw Failure(
        .badData, "some adapters set fan_in_fan_out and some do not, but a config has only one value",
        advice: "merge those that agree")
    }
  }

  /// Refuses float64 numbers that float32, in which adapters are merged, cannot hold.
  package func checkThatFloat32Holds() throws {
    for weightedAdapter in self {
      for module in weightedAdapter.adapter.modules.values.sorted(by: { $0.name < $1.name }) {
        for (name, tensor) in module.parameters { try checkNarrowing(of: tensor, name, client: weightedAdapter.client) }
      }
    }
  }

  private func compare(
    _ first: WeightedAdapter, _ other: WeightedAdapter, _ what: String, _ path: KeyPath<AdapterConfig, String?>
  ) throws {
    let (mine, theirs) = (other.adapter.config[keyPath: path], first.adapter.config[keyPath: path])
    guard mine != theirs else { return }
    throw Failure(
      .badData,
      "its \(what) is \(mine.map { "'\($0)'" } ?? "not named"), but that of client '\(first.client)' is "
        + (theirs.map { "'\($0)'" } ?? "not named"),
      advice: "if they are the same model under two names, give its name as merge.base_model (--base-model)",
      client: other.client)
  }
}
