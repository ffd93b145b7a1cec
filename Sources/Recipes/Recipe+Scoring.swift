extension Recipe {
  /// The recipe with nothing but its scorers, on other clients if some are given.
  ///
  /// - parameter inputs: Bundles relative to the current folder that stand in for the recipe's clients.
  public func scoringOnly(inputs: [String]) -> Recipe {
    var copy = self
    copy.select = nil
    copy.merge = nil
    copy.weights = nil
    guard !inputs.isEmpty else { return copy }
    copy.clients = inputs.map { input in
      var client = Client()
      client.path = Located(input)
      return Located(client)
    }
    copy.file = ""
    return copy
  }
}
