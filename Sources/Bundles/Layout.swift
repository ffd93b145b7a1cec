import Diagnostics

/// The known files of a bundle, put in their places.
struct Layout {
  private(set) var manifest: BundleEntry?
  private(set) var samples: BundleEntry?
  private(set) var ledger: BundleEntry?
  private(set) var root = Place(folder: nil)
  private(set) var checkpoints: [Place] = []
  private(set) var ignored: [BundleEntry] = []
  private(set) var notes: [String] = []
  /// Evidence in the wrong folder: its entry and its path inside the bundle.
  private(set) var strays: [(entry: BundleEntry, path: [String])] = []

  /// What the path of every file starts with and the bundle's own paths leave out: `medical/`, or nothing.
  let wrapping: String

  /// Where a checkpoint is given by itself: its folder, which the bundle's own paths then start with.
  let loneCheckpoint: CheckpointFolder?

  /// Whether the folder is the run directory of a merge, which may hold what compression left out.
  let isRunDirectory: Bool

  /// Where a run directory has its record.
  static let runRecord = ["clues", "run.json"]

  /// The folder of a run directory that holds what compression left out: to be loaded beside the adapter, and no choice.
  static let residual = "residual"

  /// The files of the root or of one checkpoint.
  struct Place {
    let folder: CheckpointFolder?
    var adapters: [String: AdapterParts] = [:]
    var trainerState: BundleEntry?
    var optimizer: BundleEntry?
    var otherOptimizers: Set<String> = []
    var trainGradients: BundleEntry?
    var anchorGradients: BundleEntry?
    var validationGradients: [String: BundleEntry] = [:]
  }

  struct AdapterParts {
    var config: BundleEntry?
    var weights: BundleEntry?
    var unreadable: [String] = []
  }

  /// - parameters:
  ///   - stem: The name of the archive without endings, or of the folder.
  ///   - adapter: The name of the adapter that is meant, if the user gave it.
  ///   - folder: The folder that is read as the user wrote it; nil for an archive.
  /// - throws: ``Failure`` `badData` where the files are those of several clients, or a step is there twice.
  init(_ entries: [BundleEntry], stem: String, adapter: String? = nil, folder: String? = nil) throws {
    let split = entries.map { $0.path.split(separator: "/").map(String.init) }
    let wrapper = Self.wrapper(split)
    wrapping = wrapper.map { $0 + "/" } ?? ""
    let paths = wrapper == nil ? split : split.map { Array($0.dropFirst()) }
    if adapter == nil, let clients = SeveralClients(paths) {
      throw clients.failure(in: folder.map { wrapper == nil ? $0 : ($0.hasSuffix("/") ? $0 : $0 + "/") + wrapper! })
    }
    isRunDirectory = paths.contains(Self.runRecord)
    let holdsCheckpoints = paths.contains { $0.count > 1 && CheckpointFolder($0[0]) != nil }
    loneCheckpoint = holdsCheckpoints ? nil : CheckpointFolder(stem)
    var places: [String: Place] = [:]
    for (entry, path) in zip(entries, paths) {
      if MisplacedEvidence(path, isCheckpoint: loneCheckpoint != nil, name: "") != nil { strays.append((entry, path)) }
      guard var file = KnownFile(path) else {
        ignored.append(entry)
        continue
      }
      if file.checkpoint == nil, file.belongsToCheckpoint { file.checkpoint = loneCheckpoint }
      if let folder = file.checkpoint {
        places[folder.name, default: Place(folder: folder)].put(file.kind, entry)
      } else {
        putAtRoot(file.kind, entry)
      }
    }
    checkpoints = places.values.sorted { ($0.folder!.step, $0.folder!.name) < ($1.folder!.step, $1.folder!.name) }
    for (a, b) in zip(checkpoints, checkpoints.dropFirst()) where a.folder!.step == b.folder!.step {
      throw Failure(
        .badData, "holds step \(a.folder!.step) twice, as '\(a.folder!.name)' and '\(b.folder!.name)'",
        advice: "keep one of the two folders")
    }
    setAsideForeignAdapters(but: adapter)
  }

  /// The single folder that everything lies in, unless it is a checkpoint.
  private static func wrapper(_ paths: [[String]]) -> String? {
    guard let first = paths.first?.first, CheckpointFolder(first) == nil, first != "gradients",
      paths.allSatisfy({ $0.count > 1 && $0[0] == first })
    else { return nil }
    return first
  }

  private mutating func putAtRoot(_ kind: KnownFile.Kind, _ entry: BundleEntry) {
    switch kind {
    case .manifest: manifest = entry
    case .samples: samples = entry
    case .ledger: ledger = entry
    // The Trainer writes a last state beside the checkpoints, too; it belongs to none of them.
    case .trainerState: ignored.append(entry)
    default: root.put(kind, entry)
    }
  }

  /// PEFT writes the same adapters at the root and in every checkpoint. A folder at the root that holds an adapter of which
  /// the checkpoints know nothing (the initial weights, say) is not the final adapter.
  private mutating func setAsideForeignAdapters(but wanted: String?) {
    let known = Set(checkpoints.flatMap(\.adapters.keys) + [AdapterFiles.defaultName] + (wanted.map { [$0] } ?? []))
    guard !checkpoints.allSatisfy(\.adapters.isEmpty) else { return }
    for name in root.adapters.keys.sorted() where !known.contains(name) {
      let parts = root.adapters.removeValue(forKey: name)
      ignored += [parts?.config, parts?.weights].compactMap { $0 }
      notes.append("'\(name)/' holds an adapter that no checkpoint has; it was left aside")
    }
  }
}

extension Layout {
  /// The adapter that the checkpoints are taken from as well, where the root holds only one and it has a name of its own.
  var nameOfRootAdapter: String? {
    guard root.adapters.count == 1, let name = root.adapters.keys.first, name != AdapterFiles.defaultName,
      checkpoints.allSatisfy({ $0.adapters[name] != nil })
    else { return nil }
    return name
  }

  /// The files of the adapters that are there, but not taken.
  func adaptersNotTaken(_ choice: AdapterChoice) -> [BundleEntry] {
    ([root] + checkpoints).flatMap { place -> [BundleEntry] in
      guard let taken = try? place.adapter(named: choice.name) else { return [] }
      return place.adapters.filter { $0.key != taken.name }.sorted { $0.key < $1.key }
        .flatMap { [$0.value.config, $0.value.weights].compactMap { $0 } }
    }
  }

  /// What to say of adapters that lie below the one that is taken, where nobody said which is meant.
  func noteOnOtherAdapters(_ choice: AdapterChoice, in place: Place) -> String? {
    guard choice.name == nil, let taken = try? place.adapter(named: nil), taken.name == AdapterFiles.defaultName else {
      return nil
    }
    let others = place.adapters.keys.filter { $0 != taken.name }.sorted()
    if isRunDirectory, others == [Self.residual] {
      return "'\(Self.residual)/' is what compression left out of this merge; it is no second adapter, and not read"
    }
    guard let first = others.first else { return nil }
    return "the adapter at the root is taken, not \(others.map { "'\($0)'" }.joined(separator: " or ")) below it; "
      + "to take another one: \(AdapterChoice.howToName(first))"
  }
}

extension Layout.Place {
  mutating func put(_ kind: KnownFile.Kind, _ entry: BundleEntry) {
    switch kind {
    case .manifest, .samples, .ledger: break
    case .adapterConfig(let adapter): adapters[adapter, default: .init()].config = entry
    case .adapterWeights(let adapter): adapters[adapter, default: .init()].weights = entry
    case .unreadableWeights(let adapter, let file): adapters[adapter, default: .init()].unreadable.append(file)
    case .trainerState: trainerState = entry
    case .optimizer: optimizer = entry
    case .otherOptimizer(let name): otherOptimizers.insert(name)
    case .trainGradients: trainGradients = entry
    case .anchorGradients: anchorGradients = entry
    case .validationGradients(let domain): validationGradients[domain] = entry
    }
  }

  /// The adapter that is meant; nil where there is none at all. Unless a name says otherwise it is the only one, or the
  /// one that lies in no folder of its own.
  ///
  /// - throws: ``Failure`` `badData` when there are several, when it is incomplete, or in a form that is refused.
  func adapter(named wanted: String?) throws -> (name: String, config: BundleEntry, weights: BundleEntry)? {
    guard !adapters.isEmpty else { return nil }
    let names = adapters.keys.sorted()
    if let wanted, adapters[wanted] == nil {
      throw Failure(
        .badData, "holds no adapter named '\(wanted)'", advice: suggestion(for: wanted, among: names))
    }
    guard let name = wanted ?? (names.count == 1 ? names[0] : names.first { $0 == AdapterFiles.defaultName }) else {
      throw Failure(
        .badData, "holds \(names.count) adapters: \(names.map { "'\($0)'" }.joined(separator: " and "))",
        advice: "say which one is meant: \(AdapterChoice.howToName(names[0])); or give the folder of one of them")
    }
    let (config, weights) = try adapters[name]!.complete(name)
    return (name, config, weights)
  }
}

extension Layout.AdapterParts {
  fileprivate func complete(_ name: String) throws -> (config: BundleEntry, weights: BundleEntry) {
    let folder = name == AdapterFiles.defaultName ? "" : "\(name)/"
    guard let weights else {
      if unreadable.contains("adapter_model.bin") {
        throw Failure(
          .badData, "has its weights in '\(folder)adapter_model.bin', a pickle, which can run code and is never opened",
          advice: "save the adapter again with save_pretrained(..., safe_serialization=True)")
      }
      if let part = unreadable.min() {
        throw Failure(
          .badData, "has its weights in several files ('\(folder)\(part)')",
          advice: "save the adapter again as one file: save_pretrained(..., max_shard_size=\"100GB\")")
      }
      throw Failure(
        .badData, "has '\(folder)adapter_config.json' but no '\(folder)adapter_model.safetensors'",
        advice: "add the weights, or ask the client to pack the folder again")
    }
    guard let config else {
      throw Failure(
        .badData,
        "has adapter weights in '\(folder)' but no '\(folder)adapter_config.json'"
          .replacing("in '' ", with: ""),
        advice: "add the adapter_config.json that PEFT wrote beside the weights")
    }
    return (config, weights)
  }
}
