import Adapters
import Bundles
import Diagnostics
import JSON
import LowRank
import Merging
import PluginHost
import Tensors

/// How a run came about, for `clues/run.json`: enough to repeat it and to believe it.
package struct RunRecord: Sendable {
  /// The recipe as it was carried out, from any folder: resolved, and with full paths.
  package var recipe: JSONValue
  /// The same with paths as the user wrote them, for what is given to others.
  let recipeAsWritten: JSONValue
  package var notes: [Note]
  package var plugins: [Plugin] = []
  /// What scoring and selecting made of the clients; nil in a run that only merges.
  package var scored: Bench.Scored?
  /// What was handed in, whether it had a part in the result or not.
  package var bundles: [Input] = []
  /// The clients whose adapters were merged.
  package var clients: [Client] = []
  /// The merge; nil in a run that only scores.
  package var merge: MergeFigures?
  var timings: [(stage: RunStage, seconds: Double)] = []

  package init(recipe: JSONValue, recipeAsWritten: JSONValue, notes: [Note]) {
    self.recipe = recipe
    self.recipeAsWritten = recipeAsWritten
    self.notes = notes
  }

  /// A library that took part.
  package struct Plugin: Sendable, Hashable {
    package let library: String
    package let version: String
    package let sha256: String

    package init(library: String, version: String, sha256: String) {
      self.library = library
      self.version = version
      self.sha256 = sha256
    }
  }

  /// One bundle.
  package struct Input: Sendable {
    package let name: String
    package let path: String
    package let sha256: String

    package init(name: String, path: String, sha256: String) {
      self.name = name
      self.path = path
      self.sha256 = sha256
    }
  }

  /// One client's part in a merge.
  package struct Client: Sendable {
    package let name: String
    package let path: String
    package let sha256: String
    package let weight: Double
    /// The checkpoint that the adapter is from; nil for the final one.
    package let step: Int?
    package let rank: ClosedRange<Int>
    package let moduleCount: Int

    package init(
      name: String, path: String, sha256: String, weight: Double, step: Int?, rank: ClosedRange<Int>, moduleCount: Int
    ) {
      self.name = name
      self.path = path
      self.sha256 = sha256
      self.weight = weight
      self.step = step
      self.rank = rank
      self.moduleCount = moduleCount
    }
  }

  package var json: JSONValue {
    .object([
      "schema": "clues/run/1",
      "version": .string(cluesVersion),
      "openblas": OpenBLAS.current.json,
      "recipe": recipe,
      "bundles": .array(
        bundles.map { ["name": .string($0.name), "path": .string($0.path), "sha256": .string($0.sha256)] }),
      "clients": .array(clients.map { client in .object(client.json.appending(merge?.json(of: client.name))) }),
      "plugins": .array(
        plugins.map {
          ["library": .string($0.library), "version": .string($0.version), "sha256": .string($0.sha256)]
        }),
      "scorers": .array(scored?.table.scorers.map(\.json) ?? []),
      "combine": JSONValue(scored?.table.combination?.rawValue),
      "selection": scored?.selection?.json ?? .null,
      "merge": merge?.json ?? .null,
      "notes": .array(notes.map { ["severity": .string($0.severity.rawValue), "text": .string($0.text)] }),
      "seconds": .object(JSONObject(timings.map { ($0.stage.rawValue, .number($0.seconds)) })),
    ])
  }
}

extension MergeFigures {
  fileprivate var json: JSONValue {
    .object([
      "method": .string(method), "space": .string(space), "dtype": .string(dtype), "parameters": parameters,
      "replaced": replaced?.json ?? .null, "discarded_share": .number(discardedShare),
      "sign_conflict": .number(signConflict), "shared_modules": JSONValue(sharedModules),
      "cosines": rows(cosines, count: clients.count), "compared_modules": JSONValue(comparedModules),
      "rank_layout": ranks?.json ?? .null,
      "modules": .array(modules.map(\.json)),
    ])
  }
}

extension RankLayout {
  fileprivate var json: JSONValue {
    [
      "style": .string(style.rawValue), "rank": JSONValue(rank), "smallest": JSONValue(extremes.lowerBound),
      "largest": JSONValue(extremes.upperBound), "cost_of_uniform": .number(uniformCost),
    ]
  }
}

extension MergeFigures {
  /// What is known of one client's update.
  fileprivate func json(of client: String) -> JSONObject? {
    guard let index = clients.firstIndex(of: client) else { return nil }
    let (figures, suspicion) = (figures[index], suspicions[index])
    return [
      "norm": .number(figures.norm), "cosine_with_result": figures.cosineWithResult.map { .number($0) } ?? .null,
      "cosine_with_others": figures.cosineWithOthers.map { .number($0) } ?? .null,
      "coefficient": figures.coefficients.map {
        ["smallest": .number($0.lowerBound), "largest": .number($0.upperBound)]
      } ?? .null,
      "stands_out": JSONValue(suspicion.reasons.map(\.peculiarity.rawValue)),
      "suspicion": suspicion.json(figures),
    ]
  }
}

extension JSONObject {
  fileprivate func appending(_ more: JSONObject?) -> JSONObject {
    var object = self
    for member in more?.members ?? [] { object[member.key] = member.value }
    return object
  }
}

extension RunRecord.Plugin {
  package init(_ identity: PluginIdentity) throws {
    library = identity.library
    version = identity.version
    sha256 = try identity.digested()
  }
}

extension RunRecord.Input {
  package init(_ client: Client) {
    name = client.name
    path = client.bundle.path
    sha256 = client.sha256
  }
}

extension RunRecord.Client {
  package init(_ client: Client, _ weightedAdapter: WeightedAdapter) {
    let ranks = weightedAdapter.adapter.modules.values.map(\.rank)
    name = client.name
    path = client.bundle.path
    sha256 = client.sha256
    weight = weightedAdapter.weight
    step = client.bundle.adapterStep
    rank = (ranks.min() ?? 0)...(ranks.max() ?? 0)
    moduleCount = weightedAdapter.adapter.modules.count
  }

  fileprivate var json: JSONObject {
    [
      "name": .string(name), "path": .string(path), "sha256": .string(sha256), "weight": .number(weight),
      "checkpoint": step.map { JSONValue($0) } ?? .null,
      "rank": ["smallest": JSONValue(rank.lowerBound), "largest": JSONValue(rank.upperBound)],
      "modules": JSONValue(moduleCount),
    ]
  }
}

extension ModuleFigures {
  fileprivate var json: JSONValue {
    .object([
      "module": .string(module), "clients": JSONValue(clients), "input_ranks": .array(inputRanks.map { JSONValue($0) }),
      "coverage": .number(coverage), "input_norms": .array(inputNorms.map { .number($0) }),
      "cosines": cosines.map { rows($0, count: clients.count) } ?? .null, "sign_conflict": .number(signConflict),
      "coefficients": coefficients.map { .array($0.map { .number($0) }) } ?? .null,
      "rank": JSONValue(rank), "norm": .number(energy.squareRoot()), "energy": .number(energy),
      "discarded_energy": .number(discardedEnergy),
    ])
  }
}

/// A square matrix as a list of rows.
private func rows(_ elements: [Double?], count: Int) -> JSONValue {
  .array(
    (0..<count).map { row in
      .array(elements[row * count..<(row + 1) * count].map { $0.map { .number($0) } ?? .null })
    })
}
