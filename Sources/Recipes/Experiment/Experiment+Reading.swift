import Diagnostics
import Files
import JSON

extension Experiment {
  /// Reads and checks the experiment in a file.
  ///
  /// - parameter overrides: Settings from the command line, `training.steps=10`, put in before anything is checked.
  /// - throws: ``Failure``: `missingInput` if the file cannot be read, `badRecipe` with line and column of every fault.
  package static func read(
    path: String, overrides: [Override] = [], limits: Limits = Limits()
  ) throws -> Experiment {
    let bytes = try StreamReader(path, subject: "the experiment").bytes(limit: limits[.recipeSize])
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badRecipe, "the experiment is not UTF-8 text", advice: "save it as UTF-8", file: path)
    }
    return try Diagnostics.locating(file: path) {
      guard let root = try YAMLReader(limits: limits).read(text) else {
        throw Failure(.badRecipe, "the experiment is empty", advice: "it needs 'base', 'clients', 'arms' and 'merges'")
      }
      var experiment = try Experiment.read(overrides.reduce(root) { try $1.apply(to: $0) }, at: Location())
      experiment.file = path
      return experiment
    }
  }

  /// A recipe that scores and selects as an arm does, for bundles with these names.
  ///
  /// - returns: Nil for an arm that does without scores.
  /// - throws: ``Failure`` `badRecipe` where the arm's recipe selects nothing.
  package func recipe(
    of arm: Located<Arm>, clients: [(name: String, path: String)], seed: Int, limits: Limits = Limits()
  ) throws -> Recipe? {
    guard arm.value.keep == nil else { return nil }
    var settings: JSONObject
    if let recipe = arm.value.recipe {
      let written = try Recipe.read(path: path(recipe), limits: limits)
      guard written.select != nil else {
        throw failure("the recipe of the arm '\(arm.value.name.value)' selects nothing", at: recipe.origin)
      }
      settings = written.jsonValue.objectValue ?? [:]
    } else {
      settings = arm.value.write().objectValue ?? [:]
    }
    settings = JSONObject(
      settings.members.filter { ["score", "combine", "select", "plugins"].contains($0.key) }.map { ($0.key, $0.value) })
    // How sure a threshold is, is told by seeds here.
    var select = settings["select"]?.objectValue ?? [:]
    select["draws"] = 0
    settings["select"] = .object(select)
    settings["seed"] = JSONValue(seed)
    return try Self.recipe(settings, clients: clients.map { ($0.name, $0.path, nil) }, limits)
  }

  /// A recipe that merges adapters with these weights.
  package func recipe(
    of merge: Located<Merge>, clients: [(name: String, path: String, weight: Double?)], seed: Int,
    limits: Limits = Limits()
  ) throws -> Recipe {
    try Self.recipe(["merge": merge.value.merge.value.write(), "seed": JSONValue(seed)], clients: clients, limits)
  }

  /// The same recipe with another threshold rule.
  package static func recipe(_ recipe: Recipe, selectingBy rule: Recipe.Selection) -> Recipe {
    var copy = recipe
    copy.select = Located(rule)
    copy.select?.value.draws = Located(0)
    return copy
  }

  private static func recipe(
    _ settings: JSONObject, clients: [(name: String, path: String, weight: Double?)], _ limits: Limits
  ) throws -> Recipe {
    var root = settings
    root["clients"] = .array(
      clients.map { client in
        var object: JSONObject = ["path": .string(client.path), "name": .string(client.name)]
        object["weight"] = client.weight.map { .number($0) }
        return .object(object)
      })
    return try Recipe.parse(JSONValue.object(root).text(), file: "", limits: limits)
  }
}

extension Recipe.Selection {
  /// The rule and what is set of it: "anchor-sigma k=1.5".
  package var summary: String {
    ([threshold.value] + parameters.map { "\($0.name)=\($0.value.stringValue ?? $0.value.text())" })
      .joined(separator: " ")
  }
}
