import Bundles
import JSON
import LowRank
import PluginHost
import Tensors

/// How a run came about, for `clues/run.json`: enough to repeat it and to believe it.
public struct RunRecord: Sendable {
  public var recipe: JSONValue
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

  init(recipe: JSONValue, notes: [Note]) {
    self.recipe = recipe
    self.notes = notes
  }

  /// How the adapters were merged, and what became of every module.
  public struct Merge: Sendable {
    public let method: String
    public let space: String
    public let dtype: String
    /// The clients in the order of the cosines.
    public let clients: [String]
    public let modules: [ModuleFigures]

    /// The cosines between the clients' updates over all modules in which clients were compared, row-major.
    public var cosines: [Double] {
      let places = Dictionary(uniqueKeysWithValues: clients.enumerated().map { ($1, $0) })
      let parts = modules.compactMap { module in
        module.innerProducts.map { (places: module.clients.compactMap { places[$0] }, products: $0) }
      }
      return Workbench.cosines(of: summed(parts, count: clients.count), count: clients.count)
    }

    /// How many modules the cosines are taken over.
    public var comparedModules: Int { modules.count { $0.innerProducts != nil } }

    /// The mean share of entries, over the modules, at which the clients' updates have both signs.
    public var signConflict: Double {
      modules.isEmpty ? 0 : modules.reduce(0) { $0 + $1.signConflict } / Double(modules.count)
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
      "clients": .array(clients.map(\.json)),
      "plugins": .array(
        plugins.map {
          ["library": .string($0.library), "version": .string($0.version), "sha256": .string($0.sha256)]
        }),
      "scorers": .array(scored?.table.scorers.map(\.json) ?? []),
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
      "method": .string(method), "space": .string(space), "dtype": .string(dtype),
      "discarded_share": .number(discardedShare), "sign_conflict": .number(signConflict),
      "cosines": rows(cosines, count: clients.count), "compared_modules": JSONValue(comparedModules),
      "modules": .array(modules.map(\.json)),
    ])
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

  fileprivate var json: JSONValue {
    .object([
      "name": .string(name), "path": .string(path), "sha256": .string(sha256), "weight": .number(weight),
      "checkpoint": step.map { JSONValue($0) } ?? .null,
      "rank": ["smallest": JSONValue(rank.lowerBound), "largest": JSONValue(rank.upperBound)],
      "modules": JSONValue(moduleCount),
    ])
  }
}

extension ModuleFigures {
  fileprivate var json: JSONValue {
    .object([
      "module": .string(module), "clients": JSONValue(clients), "input_ranks": .array(inputRanks.map { JSONValue($0) }),
      "coverage": .number(coverage), "input_norms": .array(inputNorms.map { .number($0) }),
      "cosines": cosines.map { rows($0, count: clients.count) } ?? .null, "sign_conflict": .number(signConflict),
      "rank": JSONValue(rank), "norm": .number(energy.squareRoot()), "energy": .number(energy),
      "discarded_energy": .number(discardedEnergy),
    ])
  }
}

/// The version of Clues.
public let cluesVersion = "0.1.0"

/// A square matrix as a list of rows.
private func rows(_ elements: [Double], count: Int) -> JSONValue {
  .array((0..<count).map { row in .array(elements[row * count..<(row + 1) * count].map { .number($0) }) })
}
