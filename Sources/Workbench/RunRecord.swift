import Adapters
import Bundles
import JSON
import LowRank
import PluginHost
import Tensors

/// How a run came about, for `clues/run.json`: enough to repeat it and to believe it.
public struct RunRecord: Sendable {
  /// The recipe as it was carried out, from any folder: resolved, and with full paths.
  public var recipe: JSONValue
  /// The same with paths as the user wrote them, for what is given to others.
  let recipeAsWritten: JSONValue
  public var notes: [Note]
  public var plugins: [Plugin] = []
  /// What scoring and selecting made of the clients; nil in a run that only merges.
  public var scored: Bench.Scored?
  /// What was handed in, whether it had a part in the result or not.
  public var bundles: [Input] = []
  /// The clients whose adapters were merged.
  public var clients: [Client] = []
  /// The merge; nil in a run that only scores.
  public var merge: Merge?
  public var timings: [(stage: Stage, seconds: Double)] = []

  init(recipe: JSONValue, recipeAsWritten: JSONValue, notes: [Note]) {
    self.recipe = recipe
    self.recipeAsWritten = recipeAsWritten
    self.notes = notes
  }

  /// How the adapters were merged, and what became of every module.
  public struct Merge: Sendable {
    public let method: String
    public let space: String
    public let dtype: String
    /// The method's parameters as the recipe sets them for all clients, and the defaults of the others.
    public let parameters: JSONValue
    /// The clients in the order of the cosines.
    public let clients: [String]
    /// What became of tensors that replace the base model's; nil where there are none.
    public let replaced: ReplacedTensors?
    public let modules: [ModuleFigures]
    /// The ranks that the modules are written with, where A and B are filled up with zeros.
    public var ranks: RankLayout?

    /// How every client's update stands beside the others' and the result, in the order of the clients.
    public let figures: [ClientFigures]

    /// What speaks against each client (``OutlierRule``), in the order of the clients.
    public let suspicions: [Suspicion]

    /// The cosines between two clients' updates over the modules that both have and in which clients were compared,
    /// row-major; nil for a pair that shares none.
    public let cosines: [Double?]

    /// How many modules at least two clients have; conflicts of sign and cosines are about these.
    public let sharedModules: Int

    /// In how many of the shared modules pairs of clients were compared.
    public let comparedModules: Int

    /// How many modules a cosine is taken over, from the least to the most; nil where no two clients share a module.
    let modulesOfPairs: ClosedRange<Int>?

    init(
      method: String, space: String, dtype: String, parameters: JSONValue, clients: [String],
      replaced: ReplacedTensors?, modules: [ModuleFigures]
    ) {
      (self.method, self.space, self.dtype, self.parameters) = (method, space, dtype, parameters)
      (self.clients, self.replaced, self.modules) = (clients, replaced, modules)
      let comparison = Comparison(modules.map { ComparedModule($0) }, of: clients)
      let (figures, copies) = comparison.figures
      self.figures = figures
      suspicions = OutlierRule.suspicions(of: figures, copies)
      cosines = comparison.cosines
      (sharedModules, comparedModules) = (comparison.sharedModules, comparison.comparedModules)
      modulesOfPairs = comparison.modulesOfPairs
    }

    /// The mean share of entries, over the modules that at least two clients have, at which their updates have both signs.
    public var signConflict: Double {
      let shared = modules.filter { $0.clients.count > 1 }
      return shared.isEmpty ? 0 : shared.reduce(0) { $0 + $1.signConflict } / Double(shared.count)
    }

    /// The share of the merged deltas' energy that compression left out; 0 when nothing was compressed.
    public var discardedShare: Double {
      let energy = modules.reduce(0) { $0 + $1.energy }
      return energy > 0 ? modules.reduce(0) { $0 + $1.discardedEnergy } / energy : 0
    }
  }

  /// A library that took part.
  public struct Plugin: Sendable, Hashable {
    public let library: String
    public let version: String
    public let sha256: String
  }

  /// One bundle.
  public struct Input: Sendable {
    public let name: String
    public let path: String
    public let sha256: String
  }

  /// One client's part in a merge.
  public struct Client: Sendable {
    public let name: String
    public let path: String
    public let sha256: String
    public let weight: Double
    /// The checkpoint that the adapter is from; nil for the final one.
    public let step: Int?
    public let rank: ClosedRange<Int>
    public let moduleCount: Int
  }

  public var json: JSONValue {
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

extension RunRecord.Merge {
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

extension RunRecord.Merge {
  /// What is known of one client's update.
  fileprivate func json(of client: String) -> JSONObject? {
    guard let place = clients.firstIndex(of: client) else { return nil }
    let (figures, suspicion) = (figures[place], suspicions[place])
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
  init(_ identity: PluginIdentity) throws {
    library = identity.library
    version = identity.version
    sha256 = try identity.digested()
  }
}

extension RunRecord.Input {
  init(_ client: Client) {
    name = client.name
    path = client.bundle.path
    sha256 = client.sha256
  }
}

extension RunRecord.Client {
  init(_ client: Client, _ contribution: Contribution) {
    let ranks = contribution.adapter.modules.values.map(\.rank)
    name = client.name
    path = client.bundle.path
    sha256 = client.sha256
    weight = contribution.weight
    step = client.bundle.adapterStep
    rank = (ranks.min() ?? 0)...(ranks.max() ?? 0)
    moduleCount = contribution.adapter.modules.count
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

/// The version of Clues.
public let cluesVersion = "0.1.0"

/// A square matrix as a list of rows.
private func rows(_ elements: [Double?], count: Int) -> JSONValue {
  .array(
    (0..<count).map { row in
      .array(elements[row * count..<(row + 1) * count].map { $0.map { .number($0) } ?? .null })
    })
}
