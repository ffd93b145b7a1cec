import Adapters
import Bundles
import CSystem
import Diagnostics
import Foundation
import JSON
import PluginHost
import Recipes
import Tensors

/// Where runs are made: a recipe goes in, a run directory comes out.
public struct Bench: Sendable {
  public let catalog: PluginCatalog
  public var observer: any Observer
  public var threads: Int
  public var limits: Limits

  public init(
    catalog: PluginCatalog, observer: any Observer = Unobserved(), threads: Int, limits: Limits = Limits()
  ) {
    clues_keep_freed_memory()
    self.catalog = catalog
    self.observer = observer
    self.threads = threads
    self.limits = limits
  }

  /// Carries out a recipe and writes its run directory, whole or not at all.
  ///
  /// - parameters:
  ///   - output: The run directory.
  ///   - replacing: Whether a run that is there may be replaced.
  /// - throws: ``Failure``; what stood at `output` is then as it was.
  public func run(_ recipe: Recipe, output: String, replacing: Bool) throws -> RunRecord {
    let settings = try RunSettings(recipe, in: catalog)
    try checkThatInputsStay(recipe, output)
    // Made first, so that a folder that cannot be written is found out before the work, not after it.
    let folder = try OutputFolder(output, replacing: replacing)
    do {
      let record = try run(recipe, settings, into: folder)
      try Interruption.check()
      try folder.commit()
      return record
    } catch {
      folder.abandon()
      throw error
    }
  }

  /// Refuses an output that would replace a bundle.
  private func checkThatInputsStay(_ recipe: Recipe, _ output: String) throws {
    let target = URL(filePath: output).standardizedFileURL.resolvingSymlinksInPath().path
    for client in recipe.clients {
      let path = recipe.path(client.value.path)
      let input = URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path
      guard input != target, !input.hasPrefix(target + "/") else {
        throw Failure(
          .cannotWrite, "the output would replace the input \(path)", advice: "choose another output", file: output)
      }
    }
  }

  private func run(_ recipe: Recipe, _ settings: RunSettings, into folder: OutputFolder) throws -> RunRecord {
    var stopwatch = Stopwatch()
    let clients = try open(recipe, scoring: settings.scoring != nil)
    stopwatch.lap(.opening)

    var record = RunRecord(recipe: recipe.jsonValue, notes: clients.notes)
    record.plugins = try settings.libraries.map { try RunRecord.Plugin($0) }
    let scored = try settings.scoring.map { try score(recipe, $0, clients) }
    if let scored {
      record.scored = scored
      record.notes += scored.notes
      stopwatch.lap(.scoring)
    }
    var adapters: [WrittenAdapter] = []
    if let merge = settings.merge {
      adapters = try self.merge(
        clients.contributions(recipe, scored?.selection), merge, clients, into: &record, folder)
      stopwatch.lap(.merging)
    }
    for note in record.notes { observer.note(note) }
    record.timings = stopwatch.laps
    try write(adapters, record, into: folder)
    return record
  }

  private func merge(
    _ contributions: [Contribution], _ settings: MergeSettings, _ clients: [Client], into record: inout RunRecord,
    _ folder: OutputFolder
  ) throws -> [WrittenAdapter] {
    let merger = try Merger(settings, contributions, services: services)
    let dtype = settings.dtype ?? contributions.commonDType
    let names = merger.modules
    let surveyed = try merger.modulesToSurvey()
    observer.begin(.merging, total: names.count + surveyed.count * settings.method.surveyPasses)
    let overview = try merger.overview(surveying: surveyed, threads: threads) { observer.advance(.merging) }
    let absolutes = try mergeAbsolutes(contributions, policy: settings.absolute, dtype: dtype)
    let draft = try merger.layout(dtype: dtype, absolutes).map {
      try WeightsDraft($0, at: folder.place(of: WrittenAdapter.weights))
    }
    let merged = try inParallel(names.count, threads: threads) { place in
      defer { observer.advance(.merging) }
      return try merger.merge(names[place], overview, as: dtype, into: draft)
    }
    observer.end(.merging)
    let byName = Dictionary(uniqueKeysWithValues: clients.map { ($0.name, $0) })
    record.clients = contributions.compactMap { contribution in
      byName[contribution.client].map { RunRecord.Client($0, contribution) }
    }
    record.merge = .init(
      method: settings.method.about.id, space: settings.space.rawValue, dtype: dtype.torchName,
      clients: contributions.map(\.client), modules: merged.map(\.figures))
    record.notes += settings.notes(contributions, record.merge)
    let adapter = MergedAdapter(merged.map(\.module), contributions, settings, absolutes: absolutes)
    // Loaded beside the merged adapter what was left out gives back the whole merge (FedEx-LoRA, Singhal et al. 2024).
    let rest = merged.compactMap(\.residual)
    let residual = rest.isEmpty ? nil : MergedAdapter(rest, contributions, settings)
    return [WrittenAdapter(folder: "", adapter: adapter, draft: draft)]
      + (residual.map { [WrittenAdapter(folder: "residual/", adapter: $0, draft: nil)] } ?? [])
  }

  /// Opens all bundles, several at a time, and gives them in the order of their names.
  ///
  /// From here on the order in the recipe plays no part, so it cannot change a result.
  func open(_ recipe: Recipe, scoring: Bool) throws -> [Client] {
    observer.begin(.opening, total: recipe.clients.count)
    let clients = try inParallel(recipe.clients.count, threads: threads) { place in
      defer { observer.advance(.opening) }
      try Interruption.check()
      return try Client(recipe, place: place, scoring: scoring, limits: limits)
    }
    observer.end(.opening)
    try clients.checkNames(recipe)
    return clients.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  var services: HostServices {
    let observer = observer
    return HostServices(
      log: { plugin, level, text in
        if level == .warning { observer.note(.warning("\(plugin): \(text)")) }
      },
      isCancelled: { Interruption.isPending })
  }

  private func write(
    _ adapters: [WrittenAdapter], _ record: RunRecord, into folder: OutputFolder
  ) throws {
    observer.begin(.writing, total: 1)
    for adapter in adapters { try adapter.write(into: folder, threads: threads) }
    if let adapter = adapters.first?.adapter { try folder.write(modelCard(adapter, record), to: "README.md") }
    if let scored = record.scored { try folder.write(scored.table, scored.selection) }
    try folder.write(record.json.text(indented: true) + "\n", to: "clues/run.json")
    try folder.write(record.report, to: "clues/report.html")
    observer.advance(.writing)
    observer.end(.writing)
  }
}

/// All that a recipe asks for, with every plugin found and every parameter checked.
struct RunSettings: Sendable {
  let scoring: ScoringSettings?
  let merge: MergeSettings?

  init(_ recipe: Recipe, in catalog: PluginCatalog) throws {
    scoring = recipe.score.isEmpty ? nil : try ScoringSettings(recipe, in: catalog)
    merge = try recipe.merge.map { try MergeSettings(recipe, $0.value, in: catalog) }
    for pin in recipe.plugins { try Self.check(pin, recipe, catalog) }
  }

  /// Refuses a plugin whose library is not the one that the recipe pins.
  private static func check(_ pin: PluginPin, _ recipe: Recipe, _ catalog: PluginCatalog) throws {
    let entry = try recipe.locating(pin.origin) { try catalog.entry(pin.identifier) }
    let found = sha256(of: try Bytes(mapping: entry.library.path))
    guard found != pin.digest else { return }
    var failure = recipe.failure(
      "'\(pin.identifier)' is pinned to \(pin.digest), but \(entry.library.path) is \(found)", at: pin.origin,
      advice: "bring the pinned library, or pin this one if you trust it")
    failure.kind = .untrustedPlugin
    throw failure
  }

  /// The libraries that take part, each once.
  var libraries: [PluginIdentity] {
    let all = (scoring?.libraries ?? []) + (merge.map { [$0.method.about.library] } ?? [])
    return all.reduce(into: []) { list, library in if !list.contains(library) { list.append(library) } }
  }
}

/// How long each stage took.
private struct Stopwatch {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private(set) var laps: [(stage: Stage, seconds: Double)] = []

  init() { start = clock.now }

  mutating func lap(_ stage: Stage) {
    let now = clock.now
    laps.append((stage, (now - start) / .seconds(1)))
    start = now
  }
}
