import Adapters
import Bundles
import Diagnostics
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
    try OutputFolder.checkTarget(output, replacing: replacing)
    var stopwatch = Stopwatch()
    let (settings, clients) = try prepare(recipe)
    stopwatch.lap(.opening)

    let contributions = try clients.contributions(recipe)
    let merger = try Merger(settings, contributions, services: services)
    let dtype = try settings.dtype ?? contributions.commonDType()
    let names = merger.modules
    let surveyed = try merger.modulesToSurvey()
    observer.begin(.merging, total: names.count + surveyed.count * settings.method.surveyPasses)
    let overview = try merger.overview(surveying: surveyed, threads: threads) { observer.advance(.merging) }
    let merged = try inParallel(names.count, threads: threads) { place in
      defer { observer.advance(.merging) }
      return try merger.merge(names[place], overview)
    }
    observer.end(.merging)
    stopwatch.lap(.merging)

    let adapter = try MergedAdapter(merged, contributions, settings, dtype: dtype)
    var record = RunRecord()
    record.recipe = recipe.jsonValue
    record.method = settings.method.about.id
    record.space = settings.space.rawValue
    record.dtype = dtype.torchName
    record.modules = merged.map(\.figures)
    record.plugins = [try RunRecord.Plugin(settings.method.about.library)]
    record.clients = zip(clients, contributions).map { RunRecord.Client($0, $1) }
    record.notes = clients.notes + settings.notes(contributions, record)
    for note in record.notes { observer.note(note) }
    record.timings = stopwatch.laps
    try write(adapter, record, to: output, replacing: replacing)
    return record
  }

  /// Checks everything that needs no tensor and opens the bundles.
  func prepare(_ recipe: Recipe) throws -> (MergeSettings, [Client]) {
    guard let merge = recipe.merge?.value else {
      throw Failure(.badRecipe, "the recipe merges nothing", advice: "give it a 'merge' section", file: recipe.file)
    }
    let settings = try MergeSettings(recipe, merge, in: catalog)
    return (settings, try open(recipe, wanting: [.adapter, .samples]))
  }

  /// Opens all bundles, several at a time, and gives them in the order of their names.
  ///
  /// From here on the order in the recipe plays no part, so it cannot change a result.
  private func open(_ recipe: Recipe, wanting parts: Set<Part>) throws -> [Client] {
    observer.begin(.opening, total: recipe.clients.count)
    let clients = try inParallel(recipe.clients.count, threads: threads) { place in
      defer { observer.advance(.opening) }
      try Interruption.check()
      return try Client(recipe, place: place, wanting: parts, limits: limits)
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
    _ adapter: MergedAdapter, _ record: RunRecord, to output: String, replacing: Bool
  ) throws {
    observer.begin(.writing, total: 1)
    let folder = try OutputFolder(output, replacing: replacing)
    do {
      try folder.write(adapter.configText, to: "adapter_config.json")
      try folder.write(adapter.fileChunks, to: "adapter_model.safetensors")
      try folder.write(modelCard(adapter, record), to: "README.md")
      try folder.write(record.json.text(indented: true) + "\n", to: "clues/run.json")
      try adapter.verify(
        config: folder.read("adapter_config.json"), weights: folder.read("adapter_model.safetensors"))
      try Interruption.check()
      try folder.commit()
    } catch {
      folder.abandon()
      throw error
    }
    observer.advance(.writing)
    observer.end(.writing)
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
