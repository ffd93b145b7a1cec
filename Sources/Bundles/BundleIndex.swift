import Diagnostics
import Tensors

/// The contents of a bundle: its known files by role, and what was read of them.
struct BundleIndex {
  private(set) var manifest: BundleEntry?
  private(set) var samples: BundleEntry?
  private(set) var ledger: BundleEntry?
  private(set) var root = Folder(checkpoint: nil)
  private(set) var checkpoints: [Folder] = []
  private(set) var ignored: [BundleEntry] = []
  /// Remarks for the user, none of them an error.
  private(set) var notes: [String]
  /// Evidence in the wrong folder: its entry and its path inside the bundle.
  private(set) var strays: [(entry: BundleEntry, path: [String])] = []

  /// The prefix of every file's path that the bundle's own paths omit: `medical/`, or nothing.
  let wrapping: String

  /// The folder of a checkpoint that is the whole bundle; the bundle's own paths then start with it.
  let loneCheckpoint: CheckpointFolder?

  /// Whether the folder is the run directory of a merge, which may contain the residual of compression.
  let isRunDirectory: Bool

  /// Which adapter to use, with its name if the bundle has only one candidate.
  private(set) var choice: AdapterChoice
  let parts: Set<Part>
  private let limits: Limits
  private let entries: [BundleEntry]
  private let contents: [String: Bytes]
  /// The name of the file at a path in messages, and its path on disk, if it has one.
  let displayName: (String) -> String
  private let diskPath: ((String) -> String)?

  /// The path of the record in a run directory.
  static let runRecord = ["clues", "run.json"]

  /// The folder of a run directory with the residual of compression: to be loaded along with the adapter, not instead of it.
  static let residual = "residual"

  /// The files of the root, or of one checkpoint.
  struct Folder {
    let checkpoint: CheckpointFolder?
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

  /// Reads the requested parts in one pass and sorts the files by role.
  ///
  /// - parameters:
  ///   - stem: The name of the archive without its extension, or of the folder.
  ///   - diskPath: The path on disk of a file in a folder; nil for an archive.
  /// - throws: ``Failure`` `badData` if the files belong to several clients, or a step is duplicate.
  init(
    reading source: some EntrySource, stem: String, diskPath: ((String) -> String)?, _ parts: Set<Part>,
    _ choice: AdapterChoice, _ limits: Limits
  ) throws {
    var selection = EntrySelection(parts: parts, choice: choice, limits: limits)
    notes = try source.read(wanting: { try selection.wants($0) }, visit: { selection.take($0, $1) })
    (entries, contents) = (selection.entries, selection.contents)
    (self.parts, self.choice, self.limits) = (parts, choice, limits)
    (displayName, self.diskPath) = (source.displayName, diskPath)
    let names = entries.map(\.path).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    if let pair = twoSpellings(among: names, dividedBy: "/") {
      throw Failure(twoSpellingsOf: "a path", pair.first, pair.second)
    }
    let split = entries.map { $0.path.split(separator: "/").map(String.init) }
    let wrapper = Self.wrapper(split)
    wrapping = wrapper.map { $0 + "/" } ?? ""
    let paths = wrapper == nil ? split : split.map { Array($0.dropFirst()) }
    if choice.name == nil, let clients = SeveralClients(paths) {
      throw clients.failure(in: diskPath.map { wrapper.map($0) ?? source.name })
    }
    isRunDirectory = paths.contains(Self.runRecord)
    let holdsCheckpoints = paths.contains { $0.count > 1 && CheckpointFolder($0[0]) != nil }
    loneCheckpoint = holdsCheckpoints ? nil : CheckpointFolder(stem)
    var folders: [String: Folder] = [:]
    for (entry, path) in zip(entries, paths) {
      if MisplacedEvidence(path, isCheckpoint: loneCheckpoint != nil, name: "") != nil { strays.append((entry, path)) }
      guard var file = KnownFile(path) else {
        ignored.append(entry)
        continue
      }
      if file.checkpoint == nil, file.belongsToCheckpoint { file.checkpoint = loneCheckpoint }
      if let folder = file.checkpoint {
        folders[folder.name, default: Folder(checkpoint: folder)].put(file.kind, entry)
      } else {
        putAtRoot(file.kind, entry)
      }
    }
    let found = folders.values.compactMap(\.checkpoint).sorted { ($0.step, $0.name) < ($1.step, $1.name) }
    for (a, b) in zip(found, found.dropFirst()) where a.step == b.step {
      throw Failure(
        .badData, "holds step \(a.step) twice, as '\(a.name)' and '\(b.name)'", advice: "keep one of the two folders")
    }
    checkpoints = found.compactMap { folders[$0.name] }
    setAsideForeignAdapters(but: choice.name)
    self.choice.name = choice.name ?? nameOfRootAdapter
  }

  /// The single folder that contains everything, unless it is a checkpoint.
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
    // The Trainer also writes a last state next to the checkpoints, which belongs to none of them.
    case .trainerState: ignored.append(entry)
    default: root.put(kind, entry)
    }
  }

  /// PEFT writes the same adapters at the root and in every checkpoint. A folder at the root with an adapter that the
  /// checkpoints lack (the initial weights, say) is not the final adapter.
  private mutating func setAsideForeignAdapters(but wanted: String?) {
    let known = Set(checkpoints.flatMap(\.adapters.keys) + [AdapterFiles.defaultName] + (wanted.map { [$0] } ?? []))
    guard !checkpoints.allSatisfy(\.adapters.isEmpty) else { return }
    for name in root.adapters.keys.sorted() where !known.contains(name) {
      let parts = root.adapters.removeValue(forKey: name)
      ignored += [parts?.config, parts?.weights].compactMap { $0 }
      notes.append("'\(name)/' holds an adapter that no checkpoint has; it was ignored")
    }
  }

  /// The name of the root's only adapter, if it is not the default one; the checkpoints' adapters must then have it too.
  private var nameOfRootAdapter: String? {
    guard root.adapters.count == 1, let name = root.adapters.keys.first, name != AdapterFiles.defaultName,
      checkpoints.allSatisfy({ $0.adapters[name] != nil })
    else { return nil }
    return name
  }
}

extension BundleIndex {
  /// The file of an entry, with its content if its part was requested.
  func file(_ entry: BundleEntry, _ part: Part? = nil) -> BundleFile {
    let isAdapter = part == .adapter || part == .adapters
    let isWanted = part.map { parts.contains($0) || isAdapter } ?? true
    return BundleFile(
      path: path(of: entry), name: displayName(entry.path), size: entry.size, part: part,
      diskPath: diskPath?(entry.path),
      limits: limits, content: isWanted ? contents[entry.path] : nil)
  }

  /// The path inside the bundle: without the wrapping folder, and with the checkpoint's folder if the bundle is a checkpoint.
  private func path(of entry: BundleEntry) -> String {
    let path = String(entry.path.dropFirst(wrapping.count))
    guard let lone = loneCheckpoint,
      KnownFile(path.split(separator: "/").map(String.init))?.belongsToCheckpoint == true
    else { return path }
    return "\(lone.name)/\(path)"
  }

  /// All entries by their path inside the bundle.
  var present: [String: BundleEntry] {
    Dictionary(entries.map { (path(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Evidence in the wrong folder, in the order of the paths.
  var misplaced: [MisplacedEvidence] {
    strays.sorted { $0.entry.path < $1.entry.path }.compactMap { stray in
      MisplacedEvidence(
        stray.path, isCheckpoint: loneCheckpoint != nil, name: displayName(stray.entry.path))
    }
  }

  /// Refuses an optimizer state and gradients at the root, whose step is unknown.
  func refuseStrayEvidence() throws {
    let root = root
    let strays =
      (parts.contains(.optimizers) ? [root.optimizer] : [])
      + (parts.contains(.gradients)
        ? [root.trainGradients, root.anchorGradients] + Array(root.validationGradients.values) : [])
    guard let stray = strays.compactMap({ $0 }).min(by: { $0.path < $1.path }) else { return }
    throw Failure(
      .badData, "is at the root, so its step is unknown",
      advice: "pack the checkpoint as the Trainer wrote it, with its folder checkpoint-N",
      file: displayName(stray.path))
  }

  /// The error if Clues knows none of the files; it names an adapter deeper inside if there is one.
  var nothingKnown: Failure {
    let hidden = ignored.map(\.path).filter { path in
      path.hasSuffix("/adapter_config.json") || path.hasSuffix("/adapter_model.safetensors")
    }.min()
    if let hidden {
      return Failure(
        .badData, "holds no adapter at its root, but '\(hidden)' deeper inside",
        advice: "give or pack the folder that contains the adapter or the checkpoints; one wrapping folder is fine")
    }
    return Failure(
      .badData, "holds no LoRA adapter: no adapter_config.json with adapter_model.safetensors, and no checkpoint-N",
      advice: "give the output folder of the Trainer or of PEFT's save_pretrained, or an archive of it")
  }
}
