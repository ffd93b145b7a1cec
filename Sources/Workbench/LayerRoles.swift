import Adapters
import Diagnostics
import Recipes

extension [Contribution] {
  /// Refuses a layer that one client adapts with LoRA and another one replaces: an update and a value have no mean, and
  /// PEFT gives a layer one role.
  ///
  /// - parameter policy: What becomes of tensors that replace the base model's; what is left out has no role.
  func checkRoles(policy: Recipe.Absolute) throws {
    var adapting: [String: String] = [:]
    for contribution in self {
      for module in contribution.adapter.modules.keys {
        let layer = layerPath(of: module)
        adapting[layer] = adapting[layer] ?? contribution.client
      }
    }
    for contribution in self where policy.keeps(contribution.client) {
      let own = Set(contribution.adapter.modules.keys.map(layerPath))
      for parameter in contribution.adapter.absolutes.keys.sorted() {
        guard let layer = replacedLayer(of: parameter), let client = adapting[layer], !own.contains(layer) else {
          continue
        }
        throw Failure(
          .badData,
          "the layer '\(layer)' is replaced by client '\(contribution.client)' (modules_to_save, or a resized embedding) "
            + "and a LoRA target of client '\(client)'; one layer cannot be both",
          advice: "leave one of the two clients out, or let go of all replaced tensors: merge.absolute: drop "
            + "(--absolute drop)",
          tensor: parameter)
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
