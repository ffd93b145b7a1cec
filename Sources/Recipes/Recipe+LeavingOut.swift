import Diagnostics

extension Recipe {
  /// The recipe without the clients at some places.
  ///
  /// - throws: ``Failure`` of kind `badRecipe` where what is left is no recipe: no client, or only such of weight 0.
  public func withoutClients(at places: Set<Int>) throws -> Recipe {
    var copy = self
    copy.clients = clients.enumerated().filter { !places.contains($0.offset) }.map(\.element)
    guard !copy.clients.isEmpty else { throw Failure(.usage, "no client is left when all are left out") }
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
