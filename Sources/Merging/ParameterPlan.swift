import Adapters
import Diagnostics
import JSON
import PluginHost
import Recipes

/// The value of each parameter of the merge method for each module and client.
///
/// As in mergekit a value is a scalar, a list over layers (piecewise linear over t = layer / (layers − 1)), or a list of
/// {filter, value} of which the first whose filter is part of the module's name counts. A client's own setting takes
/// precedence over the common one; if nothing matches, the method's default applies.
package struct ParameterPlan: Sendable {
  private let common: [Setting]
  /// Settings by the index of the client in the recipe.
  private let own: [[Setting]]
  private let schema: ParameterSchema

  /// A parameter as the recipe sets it, checked against its declaration once and for all.
  private struct Setting {
    let name: String
    let value: JSONValue
    let choices: Choices
    let location: RecipeLocation
  }

  /// What a parameter is for which modules.
  private indirect enum Choices {
    case value(ParameterValue)
    /// Numbers from the first layer to the last; at least one.
    case layers([Double])
    /// The first whose filter is part of the module's name counts.
    case filters([(filter: String, choice: Choices)])
  }

  /// Checks names, types and ranges of all settings, independently of the modules.
  package init(_ recipe: Recipe, _ merge: Recipe.Merge, schema: ParameterSchema, of plugin: String) throws {
    self.schema = schema
    var failures = Failures()
    func checked(_ settings: [ParameterSetting], isOwn: Bool) throws -> [Setting] {
      try failures.map(settings) { setting in
        let location = recipe.location(of: setting.origin)
        return try location.locating {
          let declaration = try Self.declaration(of: setting.name, isOwn: isOwn, schema, plugin)
          let choices = try Self.choices(setting.value, declaration)
          return Setting(name: setting.name, value: setting.value, choices: choices, location: location)
        }
      }
    }
    common = try checked(merge.parameters, isOwn: false)
    own = try recipe.clients.map { try checked($0.value.parameters, isOwn: true) }
    try failures.throwIfAny()
  }

  /// Checks that every filter is part of the name of some module.
  func checkFilters(against modules: [String]) throws {
    for setting in common + own.joined() {
      guard case .filters(let choices) = setting.choices else { continue }
      for (filter, _) in choices where !modules.contains(where: { Self.matches(filter, $0) }) {
        throw setting.location.failure(
          "the filter '\(filter)' of '\(setting.name)' matches no module",
          advice: suggestion(
            for: filter, among: Set(modules.flatMap { $0.split(separator: ".").map(String.init) }).sorted()))
      }
    }
  }

  /// The parameters that the recipe sets for all clients and modules, and the defaults of the others.
  package var commonValues: JSONValue {
    .object(
      JSONObject(
        schema.declarations.compactMap { declaration in
          let setting = common.last { $0.name == declaration.name }?.value
          return (setting ?? declaration.defaultValue).map { (declaration.name, $0) }
        }))
  }

  /// The values for one module and the clients that take part in it, by their indices in the recipe.
  package func values(module: String, layers: LayerScale, clients: [Int]) throws -> ParameterValues {
    let position = layers.position(of: module)
    var settings: [String: ParameterValue] = [:]
    for setting in common { settings[setting.name] = Self.value(setting.choices, module, position) }
    var values = ParameterValues(settings, schema: schema)
    for declaration in schema.declarations where declaration.isPerInput {
      let all = clients.map { client -> (number: Double, isDefault: Bool)? in
        let mine = own[client].first { $0.name == declaration.name }
        let chosen = mine.flatMap { Self.value($0.choices, module, position) } ?? settings[declaration.name]
        guard case .number(let number)? = chosen ?? declaration.checkedDefault else { return nil }
        return (number, chosen == nil)
      }
      let numbers = all.compactMap { $0 }
      guard numbers.isEmpty || numbers.count == clients.count else {
        let setting = (own.joined() + common).first { $0.name == declaration.name }!
        throw setting.location.failure(
          "'\(declaration.name)' is set only for some clients, and has no default",
          advice: "set it for all, under merge.parameters")
      }
      if !numbers.isEmpty {
        values.set(declaration.name, numbers: numbers.map(\.number), isDefault: numbers.allSatisfy(\.isDefault))
      }
    }
    return values
  }

  private static func declaration(
    of name: String, isOwn: Bool, _ schema: ParameterSchema, _ plugin: String
  ) throws -> ParameterSchema.Declaration {
    guard let declaration = schema[name] else {
      throw Failure(
        .badRecipe, "the method '\(plugin)' has no parameter '\(name)'",
        advice: elsewhere[name].map { "did you mean \($0)?" }
          ?? suggestion(for: name, among: schema.declarations.map(\.name)))
    }
    if isOwn, !declaration.isPerInput {
      throw Failure(
        .badRecipe, "'\(name)' applies to all clients and cannot be set for one",
        advice: "set it under merge.parameters")
    }
    return declaration
  }

  /// Settings that PEFT and mergekit have among the parameters of a method.
  private static let elsewhere = [
    "majority_sign_method": "the parameter 'elect'", "svd_rank": "merge.rank (--rank)", "rank": "merge.rank (--rank)",
    "weight": "the weight of a client (--weight)", "weights": "the weights of the clients (--weight)",
    "dtype": "output.dtype (--dtype)", "seed": "seed (--seed)", "space": "merge.space (--space)",
  ]

  private static func choices(_ value: JSONValue, _ declaration: ParameterSchema.Declaration) throws -> Choices {
    guard let elements = value.arrayValue, !elements.isEmpty else { return .value(try declaration.check(value)) }
    let filters = elements.compactMap(\.objectValue)
    if !filters.isEmpty {
      return .filters(
        try filters.compactMap { element in
          try element["value"].map { (element["filter"]?.stringValue ?? "*", try choices($0, declaration)) }
        })
    }
    let numbers = try elements.map { try declaration.check($0) }.compactMap { value in
      if case .number(let number) = value { number } else { nil }
    }
    guard numbers.count == elements.count else {
      throw Failure(.badRecipe, "'\(declaration.name)' is not a number, so it cannot vary over the layers")
    }
    guard declaration.choices.isEmpty || Set(numbers).count == 1 else {
      throw Failure(
        .badRecipe, "'\(declaration.name)' must be \(declaration.expectation), so it cannot vary over the layers",
        advice: "give it for single modules: a list of {filter, value}")
    }
    return .layers(numbers)
  }

  /// The value for a module, or nil when no filter matches.
  private static func value(_ choices: Choices, _ module: String, _ position: Double) -> ParameterValue? {
    switch choices {
    case .value(let value): value
    case .layers(let numbers): .number(interpolated(numbers, at: position))
    case .filters(let choices):
      choices.first { matches($0.filter, module) }.flatMap { value($0.choice, module, position) }
    }
  }

  /// Whether a filter is part of a module's name, even if it was copied from a file whose names include wrappers.
  private static func matches(_ filter: String, _ module: String) -> Bool {
    if filter == "*" { return true }
    // A filter that consists of wrappers would become empty, which is part of every name.
    return [filter, filter.contains(".") ? parameterName(of: filter) : ""].contains { part in
      !part.isEmpty && module.contains(part)
    }
  }

  private static func interpolated(_ numbers: [Double], at position: Double) -> Double {
    let place = position * Double(numbers.count - 1)
    let left = Int(place)
    guard left + 1 < numbers.count else { return numbers[numbers.count - 1] }
    let share = place - Double(left)
    return numbers[left] * (1 - share) + numbers[left + 1] * share
  }
}

/// The position of a module between the first layer (0) and the last (1).
package struct LayerScale: Sendable {
  private let last: Int

  package init(modules: [String]) { last = modules.compactMap(Self.layer).max() ?? 0 }

  /// t = layer / (layers − 1); 1 for a model of one layer, 0 for modules outside the layers, as in mergekit.
  package func position(of module: String) -> Double {
    guard let layer = Self.layer(of: module) else { return 0 }
    return last == 0 ? 1 : Double(layer) / Double(last)
  }

  /// The first component of the module's path that is a number.
  static func layer(of module: String) -> Int? {
    module.split(separator: ".").lazy.compactMap { $0.utf8.allSatisfy { 48...57 ~= $0 } ? Int($0) : nil }.first
  }
}
