import Adapters
import Diagnostics
import LowRank
import PluginHost
import Tensors

/// Merges the modules of several adapters, each module on its own.
struct Merger: Sendable {
  let settings: MergeSettings
  let contributions: [Contribution]
  let services: HostServices
  private let layers: LayerScale
  /// The modules in which all pairs of clients are compared for the record; see ``comparedModules(of:among:)``.
  private let compared: Set<String>

  init(_ settings: MergeSettings, _ contributions: [Contribution], services: HostServices) throws {
    try contributions.checkThatTheyFit(mixesBases: settings.baseModel != nil)
    self.settings = settings
    self.contributions = contributions
    self.services = services
    let modules = Set(contributions.flatMap { $0.adapter.modules.keys })
    layers = LayerScale(modules: Array(modules))
    compared = Self.comparedModules(of: contributions, among: modules)
    try settings.parameters.checkFilters(against: Array(modules))
    try checkAbsolutes(contributions, policy: settings.absolute)
    if settings.space == .factors { for name in modules { try checkThatRanksAreEqual(in: name) } }
    guard !settings.method.isLinear else { return }
    for contribution in contributions {
      if let module = contribution.adapter.modules.values.filter({ $0.bias != nil }).map(\.name).min() {
        throw Failure(
          .badData, "lora_B has a bias, which '\(settings.method.about.id)' cannot merge: a bias is no matrix",
          advice: "take a linear method such as average, which sums biases too; or train without lora_bias",
          client: contribution.client, tensor: module)
      }
    }
  }

  /// The modules in which all pairs of clients are compared: all, while clients are few.
  ///
  /// Pairs grow with the square of the clients. From five on so many modules are looked at, spread evenly, that the work
  /// is no more than that for four clients in all modules.
  private static func comparedModules(of contributions: [Contribution], among modules: Set<String>) -> Set<String> {
    let pairs = contributions.count * contributions.count
    let common = modules.filter { name in contributions.allSatisfy { $0.adapter.modules[name] != nil } }.sorted()
    guard pairs > 16, !common.isEmpty else { return modules }
    let count = min(common.count, max(1, modules.count * 16 / pairs))
    return Set((0..<count).map { common[$0 * common.count / count] })
  }

  private func checkThatRanksAreEqual(in name: String) throws {
    let ranks = contributions.compactMap { contribution in
      contribution.adapter.modules[name].map { (client: contribution.client, rank: $0.rank) }
    }
    guard Set(ranks.map(\.rank)).count > 1 else { return }
    throw Failure(
      .badData,
      "the space 'factors' needs equal ranks, and they are: "
        + ranks.map { "\($0.client) \($0.rank)" }.joined(separator: ", "),
      advice: "merge in the space 'stack', 'core' or 'delta', which take any", tensor: name)
  }

  /// The names of all modules that some client has.
  var modules: [String] {
    Set(contributions.flatMap { $0.adapter.modules.keys }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// What became of one module, in the type that it is written in.
  struct Merged: Sendable {
    let module: MergedAdapter.Module
    /// What compression left out, if it is to be kept.
    let residual: MergedAdapter.Module?
    let figures: ModuleFigures
  }

  /// Merges one module.
  ///
  /// - parameters:
  ///   - overview: What the method wants to know of the whole adapter.
  ///   - dtype: The type that the result is written in.
  ///   - draft: Where the result goes as far as it has a place there; the rest stays in memory.
  func merge(_ name: String, _ overview: Overview, as dtype: DType, into draft: WeightsDraft?) throws -> Merged {
    try Interruption.check()
    do {
      let shares = try shares(of: name)
      let result = try work(on: name, shares, overview).run()
      return Merged(
        module: try stored(result.factors, name, bias: result.bias, as: dtype, into: draft),
        residual: try result.residual.map { try stored($0, name, as: dtype) },
        figures: try ModuleFigures(
          name, shares.filter { !$0.isAbsent }, of: contributions.count, compares: compared.contains(name), result))
    } catch let failure as Failure {
      throw failure.at(tensor: name)
    }
  }

  /// A module and an instance of the method with the parameters that hold there.
  func work(on name: String, _ shares: [ModuleShare], _ overview: Overview) throws -> ModuleMerge {
    ModuleMerge(name: name, settings: settings, shares: shares, method: try method(for: name), overview: overview)
  }

  /// The method with the parameters that hold for a module.
  func method(for name: String) throws -> any MergeMethodInstance {
    let clients = contributions.filter { settings.missing == .zero || $0.adapter.modules[name] != nil }
    guard (settings.method.minimumInputs...settings.method.maximumInputs).contains(clients.count) else {
      throw Failure(
        .badData,
        "the number of clients that have this module is \(clients.count), which '\(settings.method.about.id)' does not merge",
        advice: "let it count as zero where it is missing: merge.missing: zero (--missing zero)", tensor: name)
    }
    return try settings.method.makeInstance(parameters(of: name), services: services)
  }

  /// The values of the method's parameters for a module and the clients that take part in it.
  func parameters(of name: String) throws -> ParameterValues {
    let clients = contributions.filter { settings.missing == .zero || $0.adapter.modules[name] != nil }
    return try settings.parameters.values(module: name, layers: layers, clients: clients.map(\.place))
  }

  /// The clients' shares of a module, those that lack it as zeros or not at all.
  func shares(of name: String) throws -> [ModuleShare] {
    let present = try contributions.enumerated().compactMap { index, contribution -> ModuleShare? in
      guard let module = contribution.adapter.modules[name] else { return nil }
      return try locating(client: contribution.client, tensor: name) {
        try ModuleShare(contribution, index: index, module, seed: settings.seed)
      }
    }
    guard settings.missing == .zero, present.count < contributions.count, let model = present.first else {
      return present
    }
    let placed = Dictionary(uniqueKeysWithValues: present.map { ($0.index, $0) })
    return try contributions.enumerated().map { index, contribution in
      try placed[index] ?? ModuleShare(absent: contribution, index: index, like: model)
    }
  }
}

/// One client's share in a module.
struct ModuleShare: Sendable {
  /// The client's place in the recipe.
  let place: Int
  /// The client's place among the contributions.
  let index: Int
  let client: String
  let weight: Double
  let scaling: Double
  /// B and A as they are in the file; the coefficient is the scaling.
  let term: Term
  /// The bias of lora_B, if there is one; scaled like B·A.
  let bias: [Float]?
  let stream: UInt64
  let isAbsent: Bool

  init(_ contribution: Contribution, index: Int, _ module: LoRAModule, seed: UInt64) throws {
    place = contribution.place
    self.index = index
    client = contribution.client
    weight = contribution.weight
    scaling = module.scaling
    term = try module.term
    bias = try module.bias?.floats()
    stream = RandomStream(seed: seed, contribution.client, module.name).key
    isAbsent = false
  }

  /// The zero that stands for a module that a client lacks, of the size and rank of `model`.
  init(absent contribution: Contribution, index: Int, like model: ModuleShare) throws {
    place = contribution.place
    self.index = index
    client = contribution.client
    weight = contribution.weight
    scaling = 1
    term = try Term(
      coefficient: 1, b: Matrix(rows: model.term.b.rows, columns: model.term.rank),
      a: Matrix(rows: model.term.rank, columns: model.term.a.columns))
    bias = nil
    stream = 0
    isAbsent = true
  }
}

extension LoRAModule {
  /// s·B·A in float32.
  var term: Term {
    get throws {
      try Term(
        coefficient: scaling,
        b: Matrix(rows: outputs, columns: rank) { if let start = $0.baseAddress { try b.load(into: start) } },
        a: Matrix(rows: rank, columns: inputs) { if let start = $0.baseAddress { try a.load(into: start) } })
    }
  }
}
