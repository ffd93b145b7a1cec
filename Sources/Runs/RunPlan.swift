import Adapters
import Diagnostics
import JSON
import Merging
import PluginHost
import Recipes

/// What a run would do: everything is checked, nothing is merged.
package struct RunPlan: Sendable {
  package let method: String
  package let space: String
  package let dtype: String
  package let clients: [(name: String, weight: Double, modules: Int, ranks: [Int], parameters: Int)]
  package let modules: [String]
  /// The modules that some clients lack.
  package let partial: [String]

  package var json: JSONValue {
    .object([
      "schema": "clues/plan/1", "method": .string(method), "space": .string(space), "dtype": .string(dtype),
      "clients": .array(
        clients.map { client in
          [
            "name": .string(client.name), "weight": .number(client.weight), "modules": JSONValue(client.modules),
            "ranks": .array(Set(client.ranks).sorted().map { JSONValue($0) }),
            "parameters": JSONValue(client.parameters),
          ]
        }),
      "modules": JSONValue(modules), "partial": JSONValue(partial),
    ])
  }
}

extension Bench {
  /// Opens and checks everything that a run would, and returns what it would do.
  package func plan(_ recipe: Recipe) throws -> RunPlan {
    let run = try RunSettings(recipe, in: catalog)
    guard let settings = run.merge else {
      throw Failure(
        .usage, "a dry run shows how adapters would be merged, but this recipe merges nothing",
        advice: "`clues recipe check` checks it")
    }
    let clients = try open(recipe, scoring: run.scoring != nil, digesting: false)
    let scored = try run.scoring.map { try score(recipe, $0, clients) }
    let weightedAdapters = try clients.weightedAdapters(recipe, scored?.selection)
    try settings.checkCount(of: weightedAdapters, amongst: clients)
    let merger = try Merger(settings, weightedAdapters, services: services)
    let replaced = ReplacedTensors(weightedAdapters, policy: settings.absolute)?.notes ?? []
    for note in clients.notes + (scored?.notes ?? []) + merger.notes + replaced { observer.note(note) }
    let modules = merger.modules
    return RunPlan(
      method: settings.method.about.id, space: settings.space.rawValue,
      dtype: run.adapterFormat.dtype(of: weightedAdapters, settings).torchName,
      clients: weightedAdapters.map {
        (
          $0.client, $0.weight, $0.adapter.modules.count, $0.adapter.modules.values.map(\.rank),
          $0.adapter.parameterCount
        )
      },
      modules: modules,
      partial: modules.filter { module in weightedAdapters.contains { $0.adapter.modules[module] == nil } })
  }

  /// Checks the recipe against the plugins, without opening bundles.
  package func check(_ recipe: Recipe) throws {
    _ = try RunSettings(recipe, in: catalog)
  }
}
