import Adapters
import Diagnostics
import JSON
import Merging
import PluginHost
import Recipes

/// The value of every parameter of the merge method in every module, from the recipe's lists over layers and filters.
package struct ParameterTable: Sendable {
  /// In the order of their names.
  package let modules: [(name: String, values: ParameterValues)]
  /// In the order of the values of several clients.
  package let clients: [String]

  package init(modules: [(name: String, values: ParameterValues)], clients: [String]) {
    self.modules = modules
    self.clients = clients
  }

  package var json: JSONValue {
    .object([
      "schema": "clues/parameters/1", "clients": JSONValue(clients),
      "modules": .object(JSONObject(modules.map { ($0.name, $0.values.json) })),
    ])
  }
}

extension Bench {
  /// The values of the merge method's parameters for every module of the recipe's clients.
  package func parameterTable(_ recipe: Recipe) throws -> ParameterTable {
    guard let settings = try RunSettings(recipe, in: catalog).merge else {
      throw Failure(.badRecipe, "the recipe merges nothing", file: recipe.file)
    }
    let clients = try open(recipe, scoring: false, digesting: false)
    let weightedAdapters = try clients.filter { !$0.isAnchor }.map { try $0.weightedAdapter(weight: 1) }
    let merger = try Merger(settings, weightedAdapters, services: services)
    return ParameterTable(
      modules: try merger.modules.sorted(by: naturally).map { ($0, try merger.parameters(of: $0)) },
      clients: weightedAdapters.map(\.client))
  }
}
