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
  /// The names of all modules that some client has, in one order: of several faults the same one is told in every run.
  let modules: [String]
  private let heldElements: Int
  private let layers: LayerScale
  /// The modules in which all pairs of clients are compared for the record; see ``comparedModules(of:among:)``.
  private let compared: Set<String>
  /// What to say of layers that clients may mean differently.
  let notes: [Note]

  /// - parameter heldElements: How many numbers of a module may be held at once; see ``shares(of:)``.
  init(
    _ settings: MergeSettings, _ contributions: [Contribution], services: HostServices, heldElements: Int = .max
  ) throws {
    try contributions.checkThatTheyFit(mixesBases: settings.baseModel != nil)
    notes = try NameAgreement.notes(
      of: contributions.map { ($0.client, $0.adapter) }, ofAbsolutesToo: settings.absolute == .average)
    self.settings = settings
    self.contributions = contributions
    self.services = services
    self.heldElements = heldElements
    try contributions.checkThatPEFTHolds(settings.absolute)
    modules = Set(contributions.flatMap { $0.adapter.modules.keys })
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    layers = LayerScale(modules: modules)
    compared = Self.comparedModules(of: contributions, among: modules)
    try contributions.checkThatFloat32Holds()
    try settings.parameters.checkFilters(against: modules)
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
  /// is no more than that for four clients in all modules: of those that all clients have, and where these are too few, of
  /// those that some share.
  private static func comparedModules(of contributions: [Contribution], among modules: [String]) -> Set<String> {
    let pairs = contributions.count * contributions.count
    guard pairs > 16 else { return Set(modules) }
    let owners = modules.map { name in (name: name, count: contributions.count { $0.adapter.modules[name] != nil }) }
    let count = max(1, modules.count * 16 / pairs)
    func some(_ count: Int, of names: [String]) -> [String] {
      let count = min(count, names.count)
      return (0..<count).map { names[$0 * names.count / count] }
    }
    let common = some(count, of: owners.filter { $0.count == contributions.count }.map(\.name))
    let shared = owners.filter { (2..<contributions.count).contains($0.count) }.map(\.name)
    return Set(common + some(count - common.count, of: shared))
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
      let present = shares.filter { !$0.isAbsent }
      let likeness = try Likeness(of: present, compares: compared.contains(name))
      let result = try work(on: name, shares, overview).run()
      guard result.energy <= largestEnergy else {
        throw Failure(
          .badData, "the merged update is beyond the range of float32", advice: "lower the weights or the scaling")
      }
      let kept = result.energy - result.discardedEnergy
      let module = try stored(result.factors, name, bias: result.bias, energy: kept, as: dtype, into: draft)
      return Merged(
        module: try draft?.placed(module) ?? module,
        residual: try result.residual.map { try stored($0, name, as: dtype) },
        figures: ModuleFigures(
          name, likeness, of: contributions.count, result,
          coefficients: result.coefficients.map { all in zip(shares, all).filter { !$0.0.isAbsent }.map(\.1) },
          resultProducts: compared.contains(name)
            ? try roughInnerProducts(present.count, with: Term(factors: result.factors)) { try present[$0].term() }
            : nil))
    } catch let failure as Failure {
      throw failure.at(tensor: name)
    }
  }

  /// A module and an instance of the method with the parameters that hold there.
  func work(on name: String, _ shares: [ModuleShare], _ overview: Overview) throws -> ModuleMerge {
    ModuleMerge(
      name: name, settings: settings, shares: shares, method: try method(for: name), overview: overview,
      blockElements: heldElements / 4)
  }

  /// The method with the parameters that hold for a module.
  func method(for name: String) throws -> any MergeMethodInstance {
    let clients = participants(in: name)
    guard (settings.method.minimumInputs...settings.method.maximumInputs).contains(clients.count) else {
      throw Failure(
        .badData,
        "the number of clients that have this module is \(clients.count), which '\(settings.method.about.id)' does not merge",
        advice: "let it count as zero where it is missing: merge.missing: zero (--missing zero)", tensor: name)
    }
    return try settings.method.makeInstance(parameters(of: name), services: services)
  }

  /// The clients that take part in a module: all, where it counts as zero with those that lack it.
  private func participants(in name: String) -> [Contribution] {
    contributions.filter { settings.missing == .zero || $0.adapter.modules[name] != nil }
  }

  /// The values of the method's parameters for a module and the clients that take part in it.
  func parameters(of name: String) throws -> ParameterValues {
    let clients = participants(in: name)
    return try settings.parameters.values(module: name, layers: layers, clients: clients.map(\.place))
  }

  /// The clients' shares of a module, those that lack it as zeros or not at all.
  ///
  /// Their factors are read here and held, unless the clients are so many that this takes much memory and the space looks
  /// at A and B one after the other: then they are read each time that they are looked at.
  func shares(of name: String) throws -> [ModuleShare] {
    let modules = contributions.map { $0.adapter.modules[name] }
    let elements = modules.reduce(0) { $0 + ($1.map { $0.a.count + $0.b.count } ?? 0) }
    let holds = settings.space != .factors || elements <= heldElements
    let present = try zip(contributions, modules).enumerated().compactMap { index, pair -> ModuleShare? in
      guard let module = pair.1 else { return nil }
      return try locating(client: pair.0.client, tensor: name) {
        try ModuleShare(pair.0, index: index, module, seed: settings.seed, holds: holds)
      }
    }
    guard settings.missing == .zero, present.count < contributions.count, let model = present.first else {
      return present
    }
    let placed = Dictionary(uniqueKeysWithValues: present.map { ($0.index, $0) })
    return contributions.enumerated().map { index, contribution in
      placed[index] ?? ModuleShare(absent: contribution, index: index, like: model)
    }
  }
}
