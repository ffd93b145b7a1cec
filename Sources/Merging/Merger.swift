import Adapters
import Diagnostics
import LowRank
import PluginHost
import Tensors
import Threads

/// How much of a module may be in memory at once, in elements; no result depends on it.
package struct MergeRoom: Sendable {
  /// The factors of all clients are held during the merge up to this size; beyond it, they are read when needed.
  package var heldElements: Int
  /// A band: a few rows of all clients.
  package var bandElements: Int
  /// The largest dense result for which every thread has its own.
  package var denseElements: Int

  package init(heldElements: Int = 1 << 21, bandElements: Int = 1 << 19, denseElements: Int = 1 << 22) {
    self.heldElements = heldElements
    self.bandElements = bandElements
    self.denseElements = denseElements
  }
}

/// Merges the modules of several adapters, each module by itself.
package struct Merger: Sendable {
  package let settings: MergeSettings
  package let weightedAdapters: [WeightedAdapter]
  package let services: HostServices
  /// The names of all modules that some client has, in a fixed order: the same one of several faults is reported in every run.
  package let modules: [String]
  private let room: MergeRoom
  private let layers: LayerScale
  /// The modules in which all pairs of clients are compared for the record; see ``comparedModules(of:among:)``.
  private let compared: Set<String>
  /// Notes on layers that clients may name differently.
  package let notes: [Note]

  package init(
    _ settings: MergeSettings, _ weightedAdapters: [WeightedAdapter], services: HostServices,
    room: MergeRoom = MergeRoom()
  ) throws {
    try weightedAdapters.checkThatTheyFit(mixesBases: settings.baseModel != nil)
    notes = try NameAgreement.notes(
      of: weightedAdapters.map { ($0.client, $0.adapter) }, ofAbsolutesToo: settings.absolute == .average)
    self.settings = settings
    self.weightedAdapters = weightedAdapters
    self.services = services
    self.room = room
    try weightedAdapters.checkThatPEFTHolds(settings.absolute)
    modules = Set(weightedAdapters.flatMap { $0.adapter.modules.keys })
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    layers = LayerScale(modules: modules)
    compared = Self.comparedModules(of: weightedAdapters, among: modules)
    try weightedAdapters.checkThatFloat32Holds()
    try settings.parameters.checkFilters(against: modules)
    try checkAbsolutes(weightedAdapters, policy: settings.absolute)
    if settings.space == .factors { for name in modules { try checkThatRanksAreEqual(in: name) } }
    guard !settings.method.isLinear else { return }
    for weightedAdapter in weightedAdapters {
      if let module = weightedAdapter.adapter.modules.values.filter({ $0.bias != nil }).map(\.name).min() {
        throw Failure(
          .badData, "lora_B has a bias, which '\(settings.method.about.id)' cannot merge: a bias is not a matrix",
          advice: "use a linear method such as average, which sums biases too; or train without lora_bias",
          client: weightedAdapter.client, tensor: module)
      }
    }
  }

  /// The modules in which all pairs of clients are compared: all, if there are few clients.
  ///
  /// Pairs grow with the square of the clients. With five or more, an evenly spread subset of modules is used, so that the work
  /// is no more than for four clients in all modules: a subset of those that all clients have or, if these are too few, of
  /// those that some share.
  private static func comparedModules(of weightedAdapters: [WeightedAdapter], among modules: [String]) -> Set<String> {
    let pairs = weightedAdapters.count * weightedAdapters.count
    guard pairs > 16 else { return Set(modules) }
    let owners = modules.map { name in (name: name, count: weightedAdapters.count { $0.adapter.modules[name] != nil }) }
    let count = max(1, modules.count * 16 / pairs)
    func some(_ count: Int, of names: [String]) -> [String] {
      let count = min(count, names.count)
      return (0..<count).map { names[$0 * names.count / count] }
    }
    let common = some(count, of: owners.filter { $0.count == weightedAdapters.count }.map(\.name))
    let shared = owners.filter { (2..<weightedAdapters.count).contains($0.count) }.map(\.name)
    return Set(common + some(count - common.count, of: shared))
  }

  private func checkThatRanksAreEqual(in name: String) throws {
    let ranks = weightedAdapters.compactMap { weightedAdapter in
      weightedAdapter.adapter.modules[name].map { (client: weightedAdapter.client, rank: $0.rank) }
    }
    guard Set(ranks.map(\.rank)).count > 1 else { return }
    throw Failure(
      .badData,
      "the space 'factors' needs equal ranks, but they are: "
        + ranks.map { "\($0.client) \($0.rank)" }.joined(separator: ", "),
      advice: "merge in the space 'stack', 'core' or 'delta', which accept any", tensor: name)
  }

  /// Runs `body` for every module, with the threads that may work on it, and returns the results in order.
  ///
  /// Usually each thread has its own module; four share one whose dense result is large, so that few of these are in memory.
  package func forEachModule<Result: Sendable>(
    threads: Int, _ body: @Sendable (_ name: String, _ threads: Int) throws -> Result
  ) throws -> [Result] {
    var results: [String: Result] = [:]
    for (names, sharing) in [(modules.filter(isLarge), min(4, threads)), (modules.filter { !isLarge($0) }, 1)] {
      let some = try inParallel(names.count, threads: threads / sharing) { try body(names[$0], sharing) }
      for (name, result) in zip(names, some) { results[name] = result }
    }
    return modules.compactMap { results[$0] }
  }

  /// A merged module, in the type in which it is written.
  package struct Merged: Sendable {
    package let module: MergedAdapter.Module
    /// What compression dropped, if it is to be kept.
    package let residual: MergedAdapter.Module?
    package let figures: ModuleFigures
  }

  /// Merges one module.
  ///
  /// - parameters:
  ///   - mergeSurvey: What the method needs to know about the whole adapter.
  ///   - dtype: The type in which the result is written.
  ///   - draft: Receives the tensors that have a place there; the rest stays in memory.
  ///   - threads: The number of threads; no bit depends on it.
  package func merge(
    _ name: String, _ mergeSurvey: MergeSurvey, as dtype: DType, into draft: WeightsDraft?, threads: Int
  ) throws -> Merged {
    try Interruption.check()
    do {
      let moduleInputs = try moduleInputs(of: name)
      let present = moduleInputs.filter { !$0.isAbsent }
      let clientSimilarity = try ClientSimilarity(of: present, compares: compared.contains(name))
      if isDense {
        let shares = zip(present, clientSimilarity.energies).map { (input: $0, energy: $1 * $0.weight * $0.weight) }
        // Beside a larger update, what a small one loses is nothing.
        if let largest = shares.max(by: { $0.energy < $1.energy }),
          isLostInFloat32(energy: largest.energy, like: largest.input)
        {
          throw largest.input.belowFloat32
        }
      }
      let result = try work(on: name, moduleInputs, mergeSurvey, threads: threads).run()
      guard result.energy <= largestEnergy else {
        throw Failure(
          .badData, "the merged update is beyond the range of float32", advice: "lower the weights or the scaling")
      }
      guard !isDense || !isLostInFloat32(energy: result.energy, like: moduleInputs[0]) else {
        throw Failure.belowFloat32
      }
      let kept = result.energy - result.discardedEnergy
      let module = try stored(result.factors, name, bias: result.bias, energy: kept, as: dtype, into: draft)
      return Merged(
        module: try draft?.placed(module) ?? module,
        residual: try result.residual.map { try stored($0, name, as: dtype) },
        figures: ModuleFigures(
          name, clientSimilarity, of: weightedAdapters.count, result,
          coefficients: result.coefficients.map { all in zip(moduleInputs, all).filter { !$0.0.isAbsent }.map(\.1) },
          resultProducts: compared.contains(name)
            ? try roughInnerProducts(present.count, with: Term(factors: result.factors)) { try present[$0].term() }
            : nil))
    } catch let failure as Failure {
      throw failure.at(tensor: name)
    }
  }

  /// Whether the method works on products of A and B, in float32.
  private var isDense: Bool { [.delta, .core].contains(settings.space) && !settings.method.isLinear }

  /// A module and an instance of the method with its parameters for that module.
  package func work(
    on name: String, _ moduleInputs: [ModuleInput], _ mergeSurvey: MergeSurvey, threads: Int = 1
  ) throws -> ModuleMerge {
    ModuleMerge(
      name: name, settings: settings, moduleInputs: moduleInputs, methods: MethodPool { try method(for: name) },
      mergeSurvey: mergeSurvey,
      bandElements: room.bandElements, threads: threads)
  }

  /// Whether the dense result of a module is so large that threads should share one module.
  func isLarge(_ name: String) -> Bool {
    guard settings.space == .delta, settings.method.mergesRows, !settings.method.isLinear,
      let module = weightedAdapters.lazy.compactMap({ $0.adapter.modules[name] }).first
    else { return false }
    return module.outputs * module.inputs > room.denseElements
  }

  /// The method with its parameters for a module.
  package func method(for name: String) throws -> MergeMethodInstance {
    let clients = participants(in: name)
    guard (settings.method.minimumInputs...settings.method.maximumInputs).contains(clients.count) else {
      throw Failure(
        .badData,
        "the number of clients with this module is \(clients.count), which '\(settings.method.about.id)' does not merge",
        advice: "let it count as zero in the other clients: merge.missing: zero (--missing zero)", tensor: name)
    }
    return try settings.method.makeInstance(parameters(of: name), services: services)
  }

  /// The clients that take part in a module: all, if it counts as zero in those that lack it.
  private func participants(in name: String) -> [WeightedAdapter] {
    weightedAdapters.filter { settings.missing == .zero || $0.adapter.modules[name] != nil }
  }

  /// The values of the method's parameters for a module and the clients that take part in it.
  package func parameters(of name: String) throws -> ParameterValues {
    let clients = participants(in: name)
    return try settings.parameters.values(module: name, layers: layers, clients: clients.map(\.place))
  }

  /// The clients' inputs for a module; those that lack it are zeros or omitted.
  ///
  /// Their factors are read here and held, unless there are so many clients that this takes much memory and the merge can visit
  /// them one after another, or a few rows at a time: then they are read on each visit.
  package func moduleInputs(of name: String) throws -> [ModuleInput] {
    let modules = weightedAdapters.map { $0.adapter.modules[name] }
    let elements = modules.reduce(0) { $0 + ($1.map { $0.a.count + $0.b.count } ?? 0) }
    let sumsTerms =
      settings.space == .stack || settings.space == .core || settings.space == .delta && settings.method.isLinear
    let holds = sumsTerms || elements <= room.heldElements
    let present = try zip(weightedAdapters, modules).enumerated().compactMap { index, pair -> ModuleInput? in
      guard let module = pair.1 else { return nil }
      return try locating(client: pair.0.client, tensor: name) {
        try ModuleInput(pair.0, index: index, module, seed: settings.seed, holds: holds)
      }
    }
    guard settings.missing == .zero, present.count < weightedAdapters.count, let model = present.first else {
      return present
    }
    let placed = Dictionary(uniqueKeysWithValues: present.map { ($0.index, $0) })
    return weightedAdapters.enumerated().map { index, weightedAdapter in
      placed[index] ?? ModuleInput(absent: weightedAdapter, index: index, like: model)
    }
  }
}
