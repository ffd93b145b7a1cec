import Diagnostics

/// Folders and archives, side by side, each of which could be a bundle: several clients, or several adapters of one.
///
/// PEFT saves the adapters of one model as `NAME/adapter_config.json` and `NAME/adapter_model.safetensors`, and nothing
/// else next to them. A subfolder with other files of a training run (checkpoints, trainer_state.json, training_args.bin, a
/// tokenizer, a README) or with files that Clues adds to a bundle is therefore a client's, and so is an archive. Otherwise it
/// may be either.
struct SeveralClients {
  /// The subfolders and archives in the order of their names.
  let names: [String]

  /// Whether they are certainly clients, and not adapters of one model.
  let areClients: Bool

  /// A shell pattern that matches all of them, below their folder.
  private let pattern: String

  /// - parameters:
  ///   - paths: All files without the wrapping folder, as components.
  /// - returns: nil if the files belong to one client, or to none.
  init?(_ paths: [[String]]) {
    let top = paths.filter { $0.count == 1 }.map { $0[0] }
    let known = paths.compactMap { KnownFile($0) }
    let isOneClient =
      known.contains { $0.checkpoint != nil || $0.kind.isOfOneClient || $0.kind.isOfAdapter(AdapterFiles.defaultName) }
      || top.contains { trainingFiles.contains($0) }
    guard !isOneClient else { return nil }
    let folders = Dictionary(grouping: paths.filter { $0.count > 1 }) { $0[0] }.mapValues { $0.map { $0.dropFirst() } }
    let withAdapter = folders.filter { $0.value.contains { KnownFile($0)?.kind.isOfAdapter() == true } }
    let archives = top.filter { ArchiveKind.stem(of: $0) != nil }
    guard withAdapter.count > 1 || !archives.isEmpty else { return nil }
    names = (withAdapter.keys + archives).sorted()
    areClients = withAdapter.isEmpty || withAdapter.values.contains { $0.contains(where: isOfTraining) }
    let endings = Set(archives.compactMap { name in ArchiveKind.stem(of: name).map { name.dropFirst($0.count) } })
    let others = Set(folders.keys).union(top).subtracting(names)
    if others.isEmpty {
      pattern = "*"
    } else if archives.isEmpty, others.isDisjoint(with: folders.keys) {
      pattern = "*/"
    } else if withAdapter.isEmpty, endings.count == 1 {
      pattern = "*\(endings.first!)"
    } else {
      pattern = names.count > 8 ? "*" : "{\(names.joined(separator: ","))}"
    }
  }

  /// Describes what was found and what to do about it.
  ///
  /// - parameter folder: Their folder as the user would write it; nil in an archive.
  func failure(in folder: String?) -> Failure {
    let quoted = names.map { "'\($0)'" }
    let apart =
      folder.map { "give each as an input of its own: \($0.hasSuffix("/") ? $0 : $0 + "/")\(pattern)" }
      ?? "pack each by itself"
    guard !areClients else {
      let shown = quoted.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
      return Failure(
        .badData,
        names.count == 1
          ? "holds no adapter, but the archive \(shown)"
          : "holds the bundles of \(names.count) clients (\(shown)), not that of one", advice: apart)
    }
    let adapters = names.filter { ArchiveKind.stem(of: $0) == nil }
    return Failure(
      .badData,
      adapters.count == names.count
        ? "holds \(names.count) adapters: \(quoted.joined(separator: " and "))"
        : "holds several adapters or bundles: \(quoted.joined(separator: " and "))",
      advice: "if one client has them all, say which is meant: \(AdapterChoice.howToName(adapters[0])); "
        + "if they are clients, \(apart)")
  }
}

/// Files that training leaves in its output folder, besides those that bundles consist of.
private let trainingFiles: Set<String> = [
  "training_args.bin", "trainer_state.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
  "rng_state.pth", "scheduler.pt",
]

/// Whether a file, by its path below a subfolder, shows that the subfolder is the output of a training run.
private func isOfTraining(_ path: ArraySlice<String>) -> Bool {
  if path.count == 1, let name = path.first, trainingFiles.contains(name) || name == "README.md" { return true }
  if Array(path) == BundleIndex.runRecord { return true }
  guard let file = KnownFile(path) else { return false }
  return file.checkpoint != nil || file.kind.isOfOneClient
}

extension KnownFile.Kind {
  /// Whether it is a file of any adapter, or of the given one.
  fileprivate func isOfAdapter(_ name: String? = nil) -> Bool {
    switch self {
    case .adapterConfig(let adapter), .adapterWeights(let adapter), .unreadableWeights(let adapter, _):
      name == nil || adapter == name
    default: false
    }
  }

  /// Whether it is a file that every client has only once, regardless of its adapters.
  fileprivate var isOfOneClient: Bool {
    switch self {
    case .manifest, .samples, .ledger, .trainerState, .optimizer, .otherOptimizer, .trainGradients, .anchorGradients,
      .validationGradients:
      true
    case .adapterConfig, .adapterWeights, .unreadableWeights: false
    }
  }
}
