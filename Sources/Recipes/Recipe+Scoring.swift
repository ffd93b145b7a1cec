extension Recipe {
  /// The recipe with only its scorers, on other clients if some are given.
  ///
  /// - parameters:
  ///   - inputs: Bundles relative to the current folder that replace the recipe's clients.
  ///   - names: What to call these clients, in order; none for the names of the bundles.
  ///   - adapters: For each input the name of the adapter to use; nil leaves it to the bundle.
  public func scoringOnly(inputs: [String], names: [String] = [], adapters: [String?] = []) -> Recipe {
    var copy = self
    copy.select = nil
    copy.merge = nil
    copy.weights = nil
    guard !inputs.isEmpty else { return copy }
    copy.clients = inputs.enumerated().map { location, input in
      var client = Client()
      client.path = Located(input)
      if names.indices.contains(location) {
        client.name = Located(names[location], .override("--client \(names[location])"))
      }
      client.adapter = adapters.indices.contains(location) ? adapters[location].map { Located($0) } : nil
      return Located(client)
    }
    copy.file = ""
    return copy
  }
}
