import Diagnostics
import JSON
import PluginHost
import Recipes

/// The scorers and the threshold rule of a recipe, resolved and with their parameters checked.
package struct ScoringSettings: Sendable {
  package let scorers: [Scorer]
  package let combination: Recipe.Combination?
  package let rule: (plugin: ThresholdRulePlugin, parameters: ParameterValues, calibratesClients: Bool)?

  package struct Scorer: Sendable {
    package let plugin: ScorerPlugin
    package let parameters: ParameterValues
    package let name: String
    package let weight: Double
    package let side: Recipe.Side?

    package init(plugin: ScorerPlugin, parameters: ParameterValues, name: String, weight: Double, side: Recipe.Side?) {
      self.plugin = plugin
      self.parameters = parameters
      self.name = name
      self.weight = weight
      self.side = side
    }
  }

  package init(_ recipe: Recipe, in catalog: PluginCatalog) throws {
    var failures = Failures()
    combination = recipe.combine?.value
    scorers = try failures.map(zip(recipe.score, recipe.scorerNames)) { entry, name in
      let scorer = entry.value
      let plugin = try recipe.locating(scorer.scorer.origin) { try catalog.scorer(scorer.scorer.value) }
      let parameters = try recipe.values(scorer.parameters, plugin.about)
      return Scorer(
        plugin: plugin, parameters: parameters, name: name, weight: scorer.weight.value, side: scorer.side?.value)
    }
    if Set(scorers.map(\.plugin.scoresClients)).count > 1 {
      failures.add(
        recipe.failure(
          "a scorer of clients cannot be combined with a scorer of samples", at: recipe.score[0].value.scorer.origin,
          advice: "use one or the other"))
    }
    rule = try recipe.select.flatMap { select in
      try failures.attempt { try Self.rule(select.value, recipe, catalog) }
    }
    try failures.throwIfAny()
  }

  /// The threshold rule of a recipe, resolved and with its parameters checked.
  package static func rule(
    _ select: Recipe.Selection, _ recipe: Recipe, _ catalog: PluginCatalog
  ) throws -> (plugin: ThresholdRulePlugin, parameters: ParameterValues, calibratesClients: Bool) {
    let plugin = try recipe.locating(select.threshold.origin) { try catalog.thresholdRule(select.threshold.value) }
    return (plugin, try recipe.values(select.parameters, plugin.about), select.calibrate.value == .client)
  }

  /// The plugins involved.
  private var plugins: [PluginDescription] { scorers.map(\.plugin.about) + (rule.map { [$0.plugin.about] } ?? []) }

  /// Their ids.
  package var pluginIds: [String] { plugins.map(\.id) }

  /// Their libraries.
  package var libraries: [PluginIdentity] { plugins.map(\.library) }
}

extension Recipe {
  /// The values of a plugin's parameters; errors have locations.
  fileprivate func values(_ settings: [ParameterSetting], _ plugin: PluginDescription) throws -> ParameterValues {
    var failures = Failures()
    var values: [String: ParameterValue] = [:]
    for setting in settings {
      values[setting.name] = try failures.attempt {
        try locating(setting.origin) {
          try plugin.parameters.check(setting.name, setting.value, of: "'\(plugin.id)'")
        }
      }
    }
    try failures.throwIfAny()
    return ParameterValues(values, schema: plugin.parameters)
  }
}

extension ScoreTable {
  /// A warning if the scores are known to be by other scorers than the recipe's, or combined differently.
  package func note(against recipe: Recipe) -> Note? {
    let theirs = recipe.score.map(\.value.scorer.value)
    guard !scorers.isEmpty else { return nil }
    if scorers.map(\.id).sorted() != theirs.sorted() {
      func listed(_ names: [String]) -> String {
        names.dropLast().joined(separator: ", ") + (names.count > 1 ? " and " : "") + (names.last ?? "")
      }
      return .warning(
        "these scores are by \(listed(scorers.map(\.name))), but the recipe scores by \(listed(recipe.scorerNames))")
    }
    guard let combination, let other = recipe.combine?.value, combination != other else { return nil }
    return .warning(
      "these scores are combined by '\(combination.rawValue)', but the recipe combines by '\(other.rawValue)'")
  }
}

extension ScoreTable.Scorer {
  package init(_ scorer: ScoringSettings.Scorer) {
    self.init(
      id: scorer.plugin.about.id, name: scorer.name, version: scorer.plugin.about.library.version,
      parameters: scorer.parameters.json, weight: scorer.weight, side: scorer.side, scale: nil)
  }
}
