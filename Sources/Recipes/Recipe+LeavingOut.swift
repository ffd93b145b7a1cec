import Diagnostics

extension Recipe {
  /// The recipe without the clients at some locations.
  ///
  /// - throws: ``Failure`` of kind `badRecipe` if the rest is not a valid recipe: no client, or only clients of weight 0.
  public func withoutClients(at places: Set<Int>) throws -> Recipe {
    var copy = self
    copy.clients = clients.enumerated().filter { !places.contains($0.offset) }.map(\.element)
    guard !copy.clients.isEmpty else { throw Failure(.usage, "no client remains: all are left out") }
    for rule in Self.rules {
      do {
        try rule.check(copy, .byDefault)
      } catch let failure as Failure {
        throw failure.at(file: file.isEmpty ? nil : file)
      }
    }
    copy.settle()
    return copy
  }
}
