import Diagnostics
import JSON
import PluginHost
import Recipes

/// What every parameter of the merge method is for every module, as the recipe's lists over layers and filters make it.
public struct ParameterTable: Sendable {
  /// In the order of their names.
  public let modules: [(name: String, values: ParameterValues)]
  /// In the order in which values of several clients stand.
  public let clients: [String]

  /// One line a module; modules in a row with the same values share one.
  public func text(_ page: PageLayout = PageLayout()) -> String {
    var table = Table()
    var place = 0
    while place < modules.count {
      let values = modules[place].values
      let end = modules[place...].firstIndex { $0.values != values } ?? modules.count
      let more = end - place > 1 ? "and \(end - place - 1) more" : ""
      let words = values.entries.map { "\($0.name) \(shown($0.value))" }
      table.add(modules[place].name, more, words.joined(separator: ", "))
      place = end
    }
    return "values that differ by client: \(clients.joined(separator: "/"))\n\n\(table.text(page))"
  }

  public var json: JSONValue {
    .object([
      "schema": "clues/parameters/1", "clients": JSONValue(clients),
      "modules": .object(JSONObject(modules.map { ($0.name, $0.values.json) })),
    ])
  }

  private func shown(_ value: ParameterValue) -> String {
    switch value {
    case .number(let number): return short(number)
    case .numbers(let numbers):
      let all = numbers.map(short)
      return Set(all).count == 1 ? all[0] : all.joined(separator: "/")
    case .text(let text): return text
    default: return value.json.text()
    }
  }
}

extension Bench {
  /// The values of the merge method's parameters for every module of the recipe's clients.
  public func parameterTable(_ recipe: Recipe) throws -> ParameterTable {
    guard let settings = try RunSettings(recipe, in: catalog).merge else {
      throw Failure(.badRecipe, "the recipe merges nothing", file: recipe.file)
    }
    let clients = try open(recipe, scoring: false, digesting: false)
    let contributions = try clients.filter { !$0.isAnchor }.map { try $0.contribution(weight: 1) }
    let merger = try Merger(settings, contributions, services: services)
    return ParameterTable(
      modules: try merger.modules.sorted(by: naturally).map { ($0, try merger.parameters(of: $0)) },
      clients: contributions.map(\.client))
  }
}
