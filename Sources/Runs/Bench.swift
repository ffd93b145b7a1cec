import Adapters
import Bundles
import CLinux
import Diagnostics
import Files
import Foundation
import JSON
import LowRank
import Merging
import PluginHost
import Recipes
import Records
import Reports
import Scoring
import Synchronization
import SystemPackage
import Tensors
import Threads

/// Executes runs: takes a recipe and writes a run directory.
package struct Bench: Sendable {
  package let catalog: PluginCatalog
  package var observer: any Observer
  package var threads: Int
  package var room = MergeRoom()
  /// The plugins' notes.
  private let noteCollector = NoteCollector()

  package init(catalog: PluginCatalog, observer: any Observer = Unobserved(), threads: Int) {
    clues_keep_freed_memory()
    self.catalog = catalog
    self.observer = observer
    self.threads = threads
  }

  /// Executes a recipe and writes its run directory, completely or not at all.
  ///
  /// - parameters:
  ///   - output: The run directory.
  ///   - replacing: Whether an existing run may be replaced.
  /// - throws: ``Failure``; `output` is then unchanged.
  package func run(_ recipe: Recipe, output: String, replacing: Bool) throws -> RunOutcome {
    let settings = try RunSettings(recipe, in: catalog, output: output)
    try OutputFolder.checkTarget(output, replacing: replacing)
    try checkThatInputsStay(recipe, output)
    // Made first, so that a folder that cannot be written is noticed before the work, not after it.
    let folder = try OutputFolder(output, replacing: replacing)
    do {
      return try run(recipe, settings, into: folder)
    } catch {
      folder.abandon()
      throw error
    }
  }

  /// Refuses an output that would replace a bundle.
  private func checkThatInputsStay(_ recipe: Recipe, _ output: String) throws {
    let target = FilePath(output).absolute.resolved
    for client in recipe.clients {
      let path = recipe.input(client.value.path)
      guard !FilePath(path).absolute.resolved.starts(with: target) else {
        throw Failure(
          .cannotWrite, "the output would replace the input \(path)", advice: "choose another output", file: output)
      }
    }
  }

  private func run(_ recipe: Recipe, _ settings: RunSettings, into folder: OutputFolder) throws -> RunOutcome {
    var stopwatch = Stopwatch()
    let clients = try open(recipe, scoring: settings.scoring != nil)
    stopwatch.lap(.opening)

    let resolved = recipe.resolved(settings.merge).recorded(as: settings.format)
    var outcome = RunOutcome(
      recipe: resolved.withFullPaths.jsonValue, recipeAsWritten: resolved.jsonValue,
      notes: clients.notes + OpenBLAS.current.notes)
    outcome.bundles = clients.map { RunRecord.Input($0) }
    outcome.plugins = try settings.libraries.map { try RunRecord.Plugin($0) }
    let scored = try settings.scoring.map { try score(recipe, $0, clients) }
    if let scored {
      outcome.scored = scored
      outcome.notes += scored.notes
      stopwatch.lap(.scoring)
    }
    var adapters: [AdapterWriter] = []
    if let merge = settings.merge {
      adapters = try self.merge(
        clients.weightedAdapters(recipe, scored?.selection), merge, settings.adapterFormat, clients, into: &outcome,
        folder)
      stopwatch.lap(.merging)
    }
    for note in outcome.notes { observer.note(note) }
    let told = noteCollector.take()
    if let rest = told.rest { observer.note(rest) }
    outcome.notes += told.notes + (told.rest.map { [$0] } ?? [])
    outcome.timings = stopwatch.laps
    try write(adapters, outcome, into: folder)
    return outcome
  }

  private func merge(
    _ weightedAdapters: [WeightedAdapter], _ settings: MergeSettings, _ format: any AdapterFormat, _ clients: [Client],
    into outcome: inout RunOutcome, _ folder: OutputFolder
  ) throws -> [AdapterWriter] {
    try settings.checkCount(of: weightedAdapters, amongst: clients)
    let merger = try Merger(settings, weightedAdapters, services: services, room: room)
    let dtype = format.dtype(of: weightedAdapters, settings)
    let absolutes = try weightedAdapters.named(
      mergeAbsolutes(weightedAdapters, policy: settings.absolute, dtype: dtype))
    try format.check(weightedAdapters, replaced: absolutes.map(\.name), dtype: dtype)
    let names = merger.modules
    let mergeSurvey = try survey(merger)
    let draft = try merger.expectedTensors(dtype: dtype, absolutes).flatMap(format.draft).map {
      try WeightsDraft($0, in: folder.create(format.weights), path: folder.path + "/" + format.weights)
    }
    observer.begin(.merging, total: names.count)
    let merged = try merger.forEachModule(threads: threads) { name, threads in
      let merged = try merger.merge(name, mergeSurvey, as: dtype, into: draft, threads: threads)
      observer.advance(.merging, by: 1)
      return merged
    }
    observer.end(.merging)
    // Scoring whole clients may already have given some of these.
    outcome.notes += merger.notes.filter { !outcome.notes.contains($0) }
    let byName = Dictionary(uniqueKeysWithValues: clients.map { ($0.name, $0) })
    outcome.clients = weightedAdapters.compactMap { weightedAdapter in
      byName[weightedAdapter.client].map { RunRecord.Client($0, weightedAdapter) }
    }
    outcome.merge = .init(
      method: settings.method.about.id, space: settings.space.rawValue, dtype: dtype.torchName,
      parameters: settings.parameters.commonValues, clients: weightedAdapters.map(\.client),
      replaced: ReplacedTensors(weightedAdapters, policy: settings.absolute), modules: merged.map(\.figures))
    let adapter = MergedAdapter(merged.map(\.module), weightedAdapters, settings, absolutes: absolutes)
    outcome.merge?.ranks = adapter.ranks
    outcome.notes += settings.notes(weightedAdapters, outcome.merge)
    outcome.notes += wideningNotes(
      merged.map(\.module) + merged.compactMap(\.residual),
      // A tensor that was not averaged is unchanged.
      averaged: settings.absolute == .average && weightedAdapters.count > 1 ? absolutes : [], as: dtype)
    if let merge = outcome.merge {
      outcome.notes += merge.outlierNotes + settings.weightlessNotes(weightedAdapters)
      let weighted = Set(weightedAdapters.filter { $0.weight != 0 }.map(\.client))
      outcome.notes += [merge.coefficientNote(weighted: weighted), merge.vanishingNote].compactMap(\.self)
    }
    outcome.notes += adapter.notes
    // Loaded alongside the merged adapter, the residual restores the whole merge (FedEx-LoRA, Singhal et al. 2024).
    let rest = merged.compactMap(\.residual)
    let residual = rest.isEmpty ? nil : MergedAdapter(rest, weightedAdapters, settings)
    return [AdapterWriter(format: format, folder: "", adapter: adapter, draft: draft)]
      + (residual.map { [AdapterWriter(format: format, folder: "residual/", adapter: $0, draft: nil)] } ?? [])
  }

  /// What the method must know about the whole adapter; not a separate stage if it needs nothing.
  private func survey(_ merger: Merger) throws -> MergeSurvey {
    let modules = try merger.modulesToSurvey()
    let surveyedModuleCount = merger.surveyedModuleCount(surveying: modules)
    guard surveyedModuleCount > 0 else { return try merger.mergeSurvey(surveying: modules, threads: threads) {} }
    observer.begin(.surveying, total: surveyedModuleCount)
    let mergeSurvey = try merger.mergeSurvey(surveying: modules, threads: threads) {
      observer.advance(.surveying, by: 1)
    }
    observer.end(.surveying)
    return mergeSurvey
  }

  /// Opens all bundles, several at a time, and returns them in the order of their names.
  ///
  /// From here on the order in the recipe plays no part, so it cannot change a result.
  ///
  /// - parameters:
  ///   - parts: The parts of the bundles to read; nil for those needed to merge, or to score.
  ///   - digesting: Whether to compute the bundles' digests, which requires reading every byte of them.
  package func open(
    _ recipe: Recipe, scoring: Bool, wanting parts: Set<Part>? = nil, digesting: Bool = true
  ) throws -> [Client] {
    if recipe.merge != nil { try checkRoom(threads: threads) }
    let limits = recipe.readingLimits
    let sizes = recipe.clients.map { Bundle.size(at: recipe.input($0.value.path), limits: limits) }
    observer.begin(.opening, total: sizes.reduce(0, +))
    let shares = sizes.map { StageProgress(of: .opening, total: $0, observer) }
    var clients = try inParallel(recipe.clients.count, threads: threads) { place in
      try Client(recipe, place: place, scoring: scoring, wanting: parts, limits: limits) { done in
        try Interruption.check()
        shares[place].reach(done)
      }
    }
    if digesting {
      try clients.digest(threads: threads) { place, count in
        try Interruption.check()
        shares[place].advance(by: count)
      }
    }
    for share in shares { share.finish() }
    observer.end(.opening)
    try clients.checkNames(recipe)
    return clients.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  package var services: HostServices {
    let (observer, noteCollector) = (observer, noteCollector)
    return HostServices(
      log: { plugin, level, text in
        guard level == .warning else { return }
        // A note that a plugin repeats for every module is kept once.
        let note = Note.warning("\(plugin): \(text)")
        if noteCollector.add(note) { observer.note(note) }
      },
      isCancelled: { Interruption.isPending })
  }

  private func write(
    _ adapters: [AdapterWriter], _ outcome: RunOutcome, into folder: OutputFolder
  ) throws {
    observer.begin(.writing, total: adapters.isEmpty ? nil : adapters.reduce(0) { $0 + $1.adapter.size })
    // While the adapters are written to disk, the run's files can be prepared.
    _ = try inParallel(2, threads: threads) { place in
      if place == 0 {
        try write(adapters, into: folder)
      } else {
        try write(outcome, of: adapters.first, into: folder)
      }
    }
    try Interruption.check()
    observer.end(.writing)
    try folder.commit(observer)
  }
}

extension Bench {
  private func write(_ adapters: [AdapterWriter], into folder: OutputFolder) throws {
    for adapter in adapters {
      try adapter.write(into: folder, threads: threads) { bytes in
        try Interruption.check()
        observer.advance(.writing, by: bytes)
      }
    }
  }

  /// Writes the files about a run: its record, the report, the scores and the model card.
  private func write(_ outcome: RunOutcome, of result: AdapterWriter?, into folder: OutputFolder) throws {
    let record = outcome.record
    if let result {
      try folder.write(modelCard(result.adapter, outcome, library: result.format.library), to: "README.md")
    }
    if let scored = outcome.scored { try folder.write(scored.table, scored.selection) }
    try folder.write(record.text, to: RunFiles.record)
    try folder.write(Report(record, scores: outcome.scores).html, to: RunFiles.report)
  }
}

/// The settings of a recipe, with every plugin found and every parameter checked.
struct RunSettings: Sendable {
  let scoring: ScoringSettings?
  let merge: MergeSettings?
  let format: OutputFormat
  let adapterFormat: any AdapterFormat

  /// - parameter output: Where the result goes; by default as in the recipe.
  init(_ recipe: Recipe, in catalog: PluginCatalog, output: String? = nil) throws {
    var failures = Failures()
    let scoring = try failures.attempt { recipe.score.isEmpty ? nil : try ScoringSettings(recipe, in: catalog) }
    let merge = try failures.attempt { try recipe.merge.map { try MergeSettings(recipe, $0.value, in: catalog) } }
    for pin in recipe.plugins { try failures.attempt { try Self.check(pin, recipe, catalog) } }
    let path = output ?? recipe.output.value.path.map { recipe.path($0) }
    let format = try failures.attempt { try OutputFormat(of: path, recipe) }
    let adapterFormat = try failures.attempt { try format?.adapter(recipe) }
    try failures.throwIfAny()
    self.scoring = scoring ?? nil
    self.merge = merge ?? nil
    self.format = format ?? OutputFormat.all[0]
    self.adapterFormat = (adapterFormat ?? nil) ?? PEFTFormat()
  }

  /// Refuses a plugin whose library is not the one that the recipe pins.
  static func check(_ pin: PluginPin, _ recipe: Recipe, _ catalog: PluginCatalog) throws {
    let entry = try recipe.locating(pin.origin) { try catalog.entry(pin.identifier) }
    let found = try entry.library.digested()
    guard found != pin.digest else { return }
    var failure = recipe.failure(
      "'\(pin.identifier)' is pinned to \(pin.digest), but \(entry.library.path) is \(found)", at: pin.origin,
      advice: "use the pinned library, or pin this one if you trust it")
    failure.kind = .untrustedPlugin
    throw failure
  }

  /// The libraries that take part, each once.
  var libraries: [PluginIdentity] {
    let all = (scoring?.libraries ?? []) + (merge.map { [$0.method.about.library] } ?? [])
    return all.reduce(into: []) { list, library in if !list.contains(library) { list.append(library) } }
  }
}

/// The notes so far.
private final class NoteCollector: Sendable {
  // Locked because plugins may send notes from any thread.
  private let kept = Mutex<(notes: [Note], size: Int, omitted: Int)>(([], 0, 0))
  // Notes of a run beyond these limits are counted, not kept.
  private static let (mostNotes, mostBytes) = (1000, 1 << 20)

  /// Adds a note; returns whether it is new and kept.
  func add(_ note: Note) -> Bool {
    kept.withLock { kept in
      if kept.notes.contains(note) { return false }
      guard kept.notes.count < Self.mostNotes, kept.size + note.text.utf8.count <= Self.mostBytes else {
        kept.omitted += 1
        return false
      }
      kept.notes.append(note)
      kept.size += note.text.utf8.count
      return true
    }
  }

  /// Removes and returns the notes, in an order that does not depend on threads, and a note on those that were not kept.
  func take() -> (notes: [Note], rest: Note?) {
    kept.withLock { kept in
      defer { kept = ([], 0, 0) }
      let rest = kept.omitted
      return (
        kept.notes.sorted { $0.text < $1.text },
        rest == 0 ? nil : .warning("plugins logged \(rest) more warnings in this run, which are left out")
      )
    }
  }
}

/// The duration of each stage.
private struct Stopwatch {
  private let clock = ContinuousClock()
  private var start: ContinuousClock.Instant
  private(set) var laps: [(stage: RunStage, seconds: Double)] = []

  init() { start = clock.now }

  mutating func lap(_ stage: RunStage) {
    let now = clock.now
    laps.append((stage, (now - start) / .seconds(1)))
    start = now
  }
}
