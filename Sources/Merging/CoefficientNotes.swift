import Diagnostics

extension MergeFigures {
  /// A note on whose updates a linear method used, if it left out some that have a weight, as krum does.
  ///
  /// - parameter weighted: The clients with a weight other than 0; leaving out the others needs no explanation.
  package func coefficientNote(weighted: Set<String>) -> Note? {
    var taken: [String: Int] = [:]
    var offered: [String: Int] = [:]
    for module in modules {
      guard let coefficients = module.coefficients else { return nil }
      for (client, coefficient) in zip(module.clients, coefficients) where weighted.contains(client) {
        offered[client, default: 0] += 1
        if coefficient != 0 { taken[client, default: 0] += 1 }
      }
    }
    let names = clients.filter { offered[$0] != nil }
    guard names.contains(where: { taken[$0] != offered[$0] }) else { return nil }
    guard !taken.isEmpty else {
      return .warning("'\(method)' gives every update the coefficient 0, so the result changes nothing")
    }
    if names.allSatisfy({ taken[$0] == nil || taken[$0] == offered[$0] }) {
      let (some, rest) = (names.filter { taken[$0] != nil }, names.filter { taken[$0] == nil })
      return .info(
        "'\(method)' uses the \(some.count == 1 ? "update" : "updates") of \(list(some)) and leaves out \(list(rest))")
    }
    let shares = names.map { "'\($0)' in \(taken[$0] ?? 0) of \(offered[$0] ?? 0)" }
    return .info(
      "'\(method)' uses different clients' updates in different modules: " + shares.prefix(20).joined(separator: ", ")
        + (shares.count > 20 ? ", …" : ""))
  }
}

/// Names in quotes; the first ones if there are many.
private func list(_ names: [String]) -> String {
  let most = 10
  let shown = names.prefix(most).map { "'\($0)'" }.joined(separator: ", ")
  return names.count > most ? "\(shown) and \(names.count - most) more" : shown
}

extension MergeSettings {
  /// Notes on clients of weight 0 that still affect the result: a weight of 0 is not the same as leaving them out.
  package func weightlessNotes(_ weightedAdapters: [WeightedAdapter]) -> [Note] {
    let weightless = weightedAdapters.filter { $0.weight == 0 }
    guard weightless.count < weightedAdapters.count else { return [] }
    let others = Set(weightedAdapters.filter { $0.weight != 0 }.flatMap { $0.adapter.modules.keys })
    return weightless.compactMap { weightedAdapter in
      let own = weightedAdapter.adapter.modules.keys.count { !others.contains($0) }
      let part: String
      if !method.isLinear {
        part = "'\(method.about.id)' still counts it among the clients"
      } else if method.wantsInnerProducts || method.wantsAdapterInnerProducts {
        part = "'\(method.about.id)' still compares the others with it"
      } else if own > 0 {
        part = "the result has the \(own == 1 ? "module" : "\(own) modules") that only this client has, as zeros"
      } else {
        return nil
      }
      return .info(
        "client '\(weightedAdapter.client)' has weight 0, which does not leave it out: \(part); "
          + "--without \(shellWord(weightedAdapter.client)) leaves it out")
    }
  }
}
