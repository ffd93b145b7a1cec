import Adapters
import Diagnostics
import Recipes

extension [Contribution] {
  /// Refuses a layer that one client adapts with LoRA and another one replaces: an update and a value have no mean, and
  /// PEFT gives a layer one role.
  ///
  /// - parameter policy: What becomes of tensors that replace the base model's; what is left out has no role.
  func checkRoles(policy: Recipe.Absolute) throws {
    var adapting: [String: (client: String, module: String)] = [:]
    for contribution in self {
      for module in contribution.adapter.modules.keys {
        let layer = layerPath(of: module)
        adapting[layer] = adapting[layer] ?? (contribution.client, module)
      }
    }
    for contribution in self where policy.keeps(contribution.client) {
      let own = Set(contribution.adapter.modules.keys.map(layerPath))
      for parameter in contribution.adapter.absolutes.keys.sorted() {
        guard let layer = replacedLayer(of: parameter), let other = adapting[layer], !own.contains(layer) else {
          continue
        }
        throw Failure(
          .badData,
          "client '\(contribution.client)' replaces '\(parameter)' whole, and client '\(other.client)' adapts "
            + "'\(other.module)' with LoRA: PEFT has no adapter with both",
          advice:
            "train the layer in one way with all clients, or leave out whole tensors: merge.absolute (--absolute) drop",
          client: contribution.client, tensor: parameter)
      }
    }
  }
}

extension Recipe.Absolute {
  /// Whether a client's tensors would get into the result, if they can be merged at all.
  fileprivate func keeps(_ client: String) -> Bool {
    switch self {
    case .drop: false
    case .take(let taken): client == taken
    case .refuse, .average: true
    }
  }
}
