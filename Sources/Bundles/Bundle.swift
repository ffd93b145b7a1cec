import Adapters
import Diagnostics
import Files
import Glibc
import SystemPackage
import Tensors

/// What one client hands in: an archive, or a folder written by the Hugging Face Trainer or PEFT.
///
/// Files that Clues does not know (tokenizer, README, `rng_state.pth`, `training_args.bin`) are never read.
public struct Bundle: Sendable {
  /// The archive or folder as the user wrote it.
  public let path: String

  /// The client's name: from `clues.json`, otherwise from the archive or folder without its extension.
  public let client: String

  /// The client's own domain: from `clues.json`, otherwise from its training samples, otherwise its name if a validation set
  /// has that name. Nil if none of these gives one, or if there is a `samples.jsonl` that was not requested.
  public let domain: String?

  /// `clues.json`, if there is one; always read.
  public let manifest: Manifest?

  /// The adapter used for the client; nil only if `Part.adapter` was not requested and there is none.
  public let adapter: AdapterFiles?

  /// The step of the checkpoint that `adapter` is from; nil if it is at the root.
  public let adapterStep: Int?

  /// The client's trajectory, in step order.
  public let checkpoints: [Checkpoint]

  /// `samples.jsonl`
  public let samples: BundleFile?

  /// `ledger.jsonl`
  public let ledger: BundleFile?

  /// All known files in the order in which they are packed.
  public let files: [BundleFile]

  /// The files that are present but unknown, and not read.
  public let ignored: [BundleEntry]

  /// Evidence in a place where it is not read; the notes mention it.
  public let misplaced: [MisplacedEvidence]

  /// Remarks for the user, none of them an error.
  public let notes: [String]

  let sampleTally: SampleTally?
  let archive: Bytes?

  /// Opens the bundle at `path` in one pass, reading only the requested parts.
  ///
  /// - parameter parts: What to read. The others are listed but not read; `clues.json` is always read.
  /// - parameter adapter: The name of the adapter to use if there are several (`default` has no folder).
  /// - parameter checkpoint: The checkpoint whose adapter is used for the client, instead of the final one.
  /// - parameter progress: Receives how much of a compressed archive is decoded, in bytes of the archive.
  /// - throws: ``Failure`` `missingInput` if there is nothing at `path`, `badData`, with the file, for anything that cannot be
  ///   used correctly.
  public static func open(
    _ path: String, wanting parts: Set<Part>, adapter: String? = nil, checkpoint: CheckpointChoice? = nil,
    limits: Limits = Limits(), progress: ReadingProgress? = nil
  ) throws -> Bundle {
    try locating(file: path) {
      let choice = AdapterChoice(name: adapter, checkpoint: checkpoint)
      if try isFolder(path) {
        let folder = FolderReader(path, limits: limits)
        return try Bundle(folder, diskPath: folder.diskPath, stem: folderName(path), parts, choice, limits)
      }
      let reader = try ArchiveReader(path, limits: limits, progress: progress)
      let name = FilePath(path).name
      return try Bundle(
        reader, archive: reader.file, stem: ArchiveKind.stem(of: name) ?? name, parts, choice, limits)
    }
  }

  private static func isFolder(_ path: String) throws -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw Failure(system: .missingInput, "cannot be opened", advice: "check the path")
    }
    let name = FilePath(path).name
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return true
    case S_IFREG where [".safetensors", ".bin", ".pt", ".json"].contains { name.hasSuffix($0) }:
      throw Failure(
        .badData, "is a single file, not a bundle",
        advice: "give the folder that holds it, with \(PEFTFile.config) and \(PEFTFile.weights)")
    case S_IFREG: return false
    default: throw Failure(.missingInput, "is neither a file nor a folder")
    }
  }

  /// The client's name derived from the path alone; a `clues.json` inside may give another.
  ///
  /// - throws: ``Failure`` `badData` for a name that no client may have.
  public static func nameOfClient(at path: String) throws -> String {
    if (try? isFolder(path)) == true { return try client(stem: folderName(path), path: path, isFolder: true) }
    let name = FilePath(path).name
    return try client(stem: ArchiveKind.stem(of: name) ?? name, path: path, isFolder: false)
  }

  private static func folderName(_ path: String) -> String {
    let folder = FilePath(path).absolute
    return folder.hubRepository ?? folder.name
  }

  private init(
    _ source: some EntrySource, archive: Bytes? = nil, diskPath: ((String) -> String)? = nil, stem: String,
    _ parts: Set<Part>, _ choice: AdapterChoice, _ limits: Limits
  ) throws {
    let index = try BundleIndex(reading: source, stem: stem, diskPath: diskPath, parts, choice, limits)
    let trajectory = try index.trajectory()
    let chosen = try index.adapter(in: trajectory.checkpoints)
    adapter = chosen?.files
    adapterStep = chosen?.step
    checkpoints = trajectory.checkpoints.map { checkpoint in
      guard !parts.contains(.adapters), checkpoint.step != chosen?.step else { return checkpoint }
      return checkpoint.withoutAdapterContent
    }
    try index.refuseStrayEvidence()
    let manifestFile = index.manifest.map { index.file($0) }
    let manifest = try manifestFile.map { file in
      try locating(file: file.name) { try Manifest(try file.bytes(), limits: limits) }
    }
    self.manifest = manifest
    samples = index.samples.map { index.file($0, .samples) }
    ledger = index.ledger.map { index.file($0, .ledger) }
    path = source.name
    self.archive = archive
    misplaced = index.misplaced
    var notes = index.notes + trajectory.notes + MisplacedEvidence.notes(misplaced)
    let rootAdapter = chosen.flatMap { $0.step == nil ? $0.files : nil } ?? index.rootAdapter
    files =
      [manifestFile, rootAdapter?.config, rootAdapter?.weights, samples, ledger].compactMap { $0 }
      + checkpoints.flatMap(\.files)
    ignored = index.ignored + index.adaptersNotTaken
    notes += index.noteOnOtherAdapters(step: chosen?.step).map { [$0] } ?? []
    guard !files.isEmpty else { throw index.nothingKnown }
    try manifest?.verify(present: index.present, read: files)
    client = try manifest?.client ?? Self.client(stem: stem, path: source.name, isFolder: archive == nil)
    sampleTally = try samples.flatMap { file in
      try file.content.map { content in
        try locating(file: file.name) {
          let tally = try SampleTally(content, limits: limits)
          try manifest?.verify(tally.counts)
          return tally
        }
      }
    }
    let named = Self.domain(
      manifest: manifest, client: client, checkpoints: checkpoints, hasSamples: samples != nil, sampleTally)
    domain = named.domain
    notes += named.notes
    self.notes = notes
  }

  /// The folder of a single checkpoint says nothing about the client; the folder around it does.
  private static func client(stem: String, path: String, isFolder: Bool) throws -> String {
    var name = stem
    if isFolder, CheckpointFolder(stem) != nil {
      name = FilePath(path).absolute.folder.name
    }
    try ClientName.check(name, of: "client")
    return name
  }

  private static func domain(
    manifest: Manifest?, client: String, checkpoints: [Checkpoint], hasSamples: Bool, _ tally: SampleTally?
  ) -> (domain: String?, notes: [String]) {
    if let domain = manifest?.domain { return (domain, []) }
    let domains = tally?.trainingDomains.sorted() ?? []
    if domains.count > 1 {
      let list = domains.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
      return (nil, ["its training samples are of \(domains.count) domains (\(list)), so it has none of its own"])
    }
    if let domain = domains.first { return (domain, []) }
    if hasSamples, tally == nil { return (nil, []) }
    let isValidated = checkpoints.contains { $0.gradients.validation[client] != nil }
    return (isValidated ? client : nil, [])
  }

  /// Reads the ledger; nil if there is none.
  ///
  /// - throws: ``Failure`` `badData`, also if `clues.json` counts other samples and there is no `samples.jsonl`, which may
  ///   list more samples than were measured.
  public func readLedger() throws -> Ledger? {
    try ledger.map { file in
      try locating(file: file.name) {
        let ledger = try Ledger(file.bytes(), limits: file.limits)
        if samples == nil { try manifest?.verify(ledger.counts) }
        return ledger
      }
    }
  }

  /// The number of training samples, if `clues.json` or a `samples.jsonl` that was read gives it.
  public var trainingSampleCount: Int? { manifest?.samples["train"] ?? sampleTally?.counts["train"] }
}

extension Checkpoint {
  /// The files in the order in which they are packed.
  var files: [BundleFile] {
    [adapter.config, adapter.weights, trainerState, optimizer, gradients.train, gradients.anchor].compactMap { $0 }
      + gradients.validation.sorted { $0.key < $1.key }.map(\.value)
  }

  /// The same checkpoint with its adapter listed, but its content released.
  fileprivate var withoutAdapterContent: Checkpoint {
    var (config, weights) = (adapter.config, adapter.weights)
    config.content = nil
    weights.content = nil
    return Checkpoint(
      step: step, folder: folder, adapter: AdapterFiles(name: adapter.name, config: config, weights: weights),
      optimizer: optimizer, otherOptimizers: otherOptimizers, trainerState: trainerState, gradients: gradients)
  }
}
