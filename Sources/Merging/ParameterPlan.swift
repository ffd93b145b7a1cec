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
  private let recipe: Recipe
  private let common: [ParameterSetting]
  /// Settings by the index of the client in the recipe.
  private let own: [[ParameterSetting]]
  private let schema: ParameterSchema
  private let plugin: String

  /// Checks names, types and ranges of all settings, independently of the modules.
  package init(_ recipe: Recipe, _ merge: Recipe.Merge, schema: ParameterSchema, of plugin: String) throws {
    self.recipe = recipe
    common = merge.parameters
    own = recipe.clients.map { $0.value.parameters }
    self.schema = schema
    self.plugin = plugin
    var failures = Failures()
    for setting in common { try failures.attempt { try check(setting, isOwn: false) } }
    for setting in own.joined() { try failures.attempt { try check(setting, isOwn: true) } }
    try failures.throwIfAny()
  }

  /// Checks that every filter is part of the name of some module.
  func checkFilters(against modules: [String]) throws {
    for setting in common + own.joined() {
      for case .object(let choice)? in setting.value.arrayValue ?? [] {
        guard let filter = choice["filter"]?.stringValue, filter != "*" else { continue }
        guard modules.contains(where: { matches(filter, $0) }) else {
          throw recipe.failure(
            "the filter '\(filter)' of '\(setting.name)' matches no module", at: setting.origin,
            advice: suggestion(
              for: filter, among: Set(modules.flatMap { $0.split(separator: ".").map(String.init) }).sorted()))
        }
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
    var settings: [String: JSONValue] = [:]
    for setting in common {
      settings[setting.name] = value(of: setting, module: module, position: position)
    }
    var values = try ParameterValues(settings, schema: schema, of: plugin)
    for declaration in schema.declarations where declaration.isPerInput {
      let all = try clients.map { client -> (number: Double, isDefault: Bool)? in
        let mine = own[client].first { $0.name == declaration.name }
        let chosen =
          mine.flatMap { value(of: $0, module: module, position: position) } ?? settings[declaration.name]
        guard let value = chosen ?? declaration.defaultValue else { return nil }
        guard case .number(let number) = try declaration.check(value) else { return nil }
        return (number, chosen == nil)
      }
      let numbers = all.compactMap { $0 }
      guard numbers.isEmpty || numbers.count == clients.count else {
        throw Failure(
          .badRecipe, "'\(declaration.name)' is set only for some clients, and has no default",
          advice: "set it for all, under merge.parameters")
      }
      if !numbers.isEmpty {
        values.set(declaration.name, numbers: numbers.map(\.number), isDefault: numbers.allSatisfy(\.isDefault))
      }
    }
    return values
  }

  private func check(_ setting: ParameterSetting, isOwn: Bool) throws {
    try recipe.locating(setting.origin) {
      guard let declaration = schema[setting.name] else {
        throw Failure(
          .badRecipe, "the method '\(plugin)' has no parameter '\(setting.name)'",
          advice: Self.elsewhere[setting.name].map { "did you mean \($0)?" }
            ?? suggestion(for: setting.name, among: schema.declarations.map(\.name)))
      }
      if isOwn, !declaration.isPerInput {
        throw Failure(
          .badRecipe, "'\(setting.name)' applies to all clients and cannot be set for one",
          advice: "set it under merge.parameters")
      }
      for value in scalars(of: setting.value) { _ = try declaration.check(value) }
      let overLayers = ([setting.value] + choices(of: setting.value)).filter {
        $0.arrayValue?.contains { $0.objectValue == nil } ?? false
      }
      if declaration.type != .number, !overLayers.isEmpty {
        throw Failure(.badRecipe, "'\(setting.name)' is not a number, so it cannot vary over the layers")
      }
    }
  }

  /// Settings that PEFT and mergekit have among the parameters of a method.
  private static let elsewhere = [
    "majority_sign_method": "the parameter 'elect'", "svd_rank": "merge.rank (--rank)", "rank": "merge.rank (--rank)",
    "weight": "the weight of a client (--weight)", "weights": "the weights of the clients (--weight)",
    "dtype": "output.dtype (--dtype)", "seed": "seed (--seed)", "space": "merge.space (--space)",
  ]

  private func choices(of value: JSONValue) -> [JSONValue] {
    (value.arrayValue ?? []).compactMap { $0.objectValue?["value"] }
  }

  private func scalars(of value: JSONValue) -> [JSONValue] {
    switch value {
    case .array(let elements): elements.flatMap(scalars)
    case .object(let choice): choice["value"].map(scalars) ?? []
    default: [value]
    }
  }

  /// The setting's value for a module, or nil when no filter matches.
  private func value(of setting: ParameterSetting, module: String, position: Double) -> JSONValue? {
    guard let elements = setting.value.arrayValue else { return setting.value }
    if elements.contains(where: { $0.objectValue != nil }) {
      for case .object(let choice) in elements {
        let filter = choice["filter"]?.stringValue ?? "*"
        guard matches(filter, module), let value = choice["value"] else { continue }
        return interpolated(value, at: position)
      }
      return nil
    }
    return interpolated(setting.value, at: position)
  }

  /// Whether a filter is part of a module's name, even if it was copied from a file whose names include wrappers.
  private func matches(_ filter: String, _ module: String) -> Bool {
    if filter == "*" { return true }
    // A filter that consists of wrappers would become empty, which is part of every name.
    return [filter, filter.contains(".") ? parameterName(of: filter) : ""].contains { part in
      !part.isEmpty && module.contains(part)
    }
  }

  private func interpolated(_ value: JSONValue, at position: Double) -> JSONValue {
    guard let numbers = value.arrayValue?.compactMap(\.doubleValue), let last = numbers.last else { return value }
    let place = position * Double(numbers.count - 1)
    let left = Int(place)
    guard left + 1 < numbers.count else { return .number(last) }
    let share = place - Double(left)
    return .number(numbers[left] * (1 - share) + numbers[left + 1] * share)
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
