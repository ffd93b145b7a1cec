import Bundles
import Diagnostics
import Recipes
import Threads

extension Bench {
  /// The recipe without some of its clients, by their names.
  ///
  /// Clients that are left out are not in the record of the run either, so that the recorded recipe repeats it.
  ///
  /// - parameter names: The name that the recipe gives a client, otherwise that of its bundle.
  /// - throws: ``Failure`` `usage` for a name that no client has, or that several have.
  package func leavingOut(_ names: [String], of recipe: Recipe) throws -> Recipe {
    guard !names.isEmpty else { return recipe }
    let given = recipe.clients.map { $0.value.name?.value }
    // A bundle is opened for its name only if the recipe does not have all the names.
    let all =
      names.allSatisfy(given.contains)
      ? given
      : try inParallel(given.count, threads: threads) { index in
        try given[index] ?? nameOfClient(recipe.clients[index].value, in: recipe)
      }
    var places: Set<Int> = []
    for name in names {
      let found = all.indices.filter { all[$0] == name }
      guard let index = found.first else {
        throw Failure(
          .usage, "--without: there is no client '\(name)'",
          advice: Self.advice(about: name, among: all, paths: recipe.clients.map(\.value.path.value)))
      }
      guard found.count == 1 else {
        throw Failure(
          .usage, "--without: \(found.count) clients are called '\(name)'",
          advice: "give each a name of its own: --client NAME for each input, or 'name:' in the recipe")
      }
      places.insert(index)
    }
    return try recipe.withoutClients(at: places)
  }

  /// The client that was probably meant: given by its path, or several in one word.
  private static func advice(about name: String, among names: [String?], paths: [String]) -> String {
    if let index = paths.firstIndex(of: name), let meant = names[index] {
      return "that is the path of the client '\(meant)': --without \(shellWord(meant))"
    }
    let parts = name.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
    if parts.count > 1, parts.allSatisfy({ part in names.contains { $0.map { $0 == part } ?? false } }) {
      return "give it once for each: " + parts.map { "--without \(shellWord(String($0)))" }.joined(separator: " ")
    }
    return suggestion(for: name, among: Set(names.compactMap { $0 }))
  }

  /// The name of a bundle's client. A bundle that cannot be read may be left out as well, by the name of its file.
  private func nameOfClient(_ client: Recipe.Client, in recipe: Recipe) throws -> String? {
    let path = recipe.input(client.path)
    do {
      let bundle = try Bundle.open(
        path, wanting: [], adapter: client.adapter?.value, limits: recipe.readingLimits,
        progress: { _ in try Interruption.check() })
      return bundle.client
    } catch let failure as Failure where failure.kind != .interrupted {
      return try? Bundle.nameOfClient(at: path)
    }
  }
}
