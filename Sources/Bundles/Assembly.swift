import Diagnostics
import Tensors

/// Turns a layout and what was read into the files of a bundle.
struct Assembly {
  let layout: Layout
  let contents: [String: Bytes]
  let parts: Set<Part>
  let displayName: (String) -> String
  let diskPath: ((String) -> String)?
  let limits: Limits

  /// The file of an entry, with its content if its part was asked for.
  func file(_ entry: BundleEntry, _ part: Part? = nil) -> BundleFile {
    let isAdapter = part == .adapter || part == .adapters
    let isWanted = part.map { parts.contains($0) || isAdapter } ?? true
    return BundleFile(
      path: path(of: entry), name: displayName(entry.path), size: entry.size, part: part,
      diskPath: diskPath?(entry.path),
      limits: limits, content: isWanted ? contents[entry.path] : nil)
  }

  /// The path inside the bundle: without what wraps it, and with its folder where a checkpoint is given by itself.
  private func path(of entry: BundleEntry) -> String {
    let path = String(entry.path.dropFirst(layout.wrapping.count))
    guard let lone = layout.loneCheckpoint,
      KnownFile(path.split(separator: "/").map(String.init))?.belongsToCheckpoint == true
    else { return path }
    return "\(lone.name)/\(path)"
  }

  /// All entries by their path inside the bundle.
  func present(_ entries: [BundleEntry]) -> [String: BundleEntry] {
    Dictionary(entries.map { (path(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The adapter that stands for the client, and the step it is from.
  ///
  /// - throws: ``Failure`` `badData` when there is none, where one was asked for.
  func adapter(_ choice: AdapterChoice, in checkpoints: [Checkpoint]) throws -> (files: AdapterFiles, step: Int?)? {
    guard parts.contains(.adapter) else { return nil }
    var isRootMeant = !isOnlyInCheckpoints(choice)
    if case .step(let step)? = choice.checkpoint {
      isRootMeant = false
      guard layout.checkpoints.contains(where: { $0.folder?.step == step }) else {
        let steps = layout.checkpoints.compactMap { $0.folder.map { String($0.step) } }.joined(separator: ", ")
        throw Failure(
          .badData, "holds no checkpoint of step \(step)",
          advice: steps.isEmpty ? "it holds no checkpoints at all" : "it holds the steps \(steps)")
      }
    } else if choice.checkpoint == .last, !layout.checkpoints.isEmpty {
      isRootMeant = false
    }
    if isRootMeant, let root = try adapterFiles(at: layout.root, choice) { return (root, nil) }
    let place = layout.checkpoints.last { checkpoint in
      if case .step(let step)? = choice.checkpoint { checkpoint.folder?.step == step } else { true }
    }
    guard let place else { throw nothingKnown }
    guard let checkpoint = checkpoints.first(where: { $0.step == place.folder?.step }) else {
      throw locatedFailure(at: place, choice)
    }
    return (checkpoint.adapter, checkpoint.step)
  }

  /// Whether the adapter that was named lies in checkpoints, but not at the root.
  private func isOnlyInCheckpoints(_ choice: AdapterChoice) -> Bool {
    guard let name = choice.name else { return false }
    return layout.root.adapters[name] == nil && layout.checkpoints.contains { $0.adapters[name] != nil }
  }

  /// The adapter at the root, if it is whole, for the list of files.
  func rootAdapter(_ choice: AdapterChoice) -> AdapterFiles? { try? adapterFiles(at: layout.root, choice) }

  /// The checkpoints whose adapters are whole. One that is not is an error where checkpoints were asked for, else a note.
  func trajectory(_ choice: AdapterChoice) throws -> (checkpoints: [Checkpoint], notes: [String]) {
    var checkpoints: [Checkpoint] = []
    var notes: [String] = []
    for place in layout.checkpoints {
      guard let folder = place.folder else { continue }
      do {
        checkpoints.append(try checkpoint(place, folder, choice))
      } catch let failure as Failure {
        if !parts.isDisjoint(with: Part.ofCheckpoints) { throw failure }
        notes.append("'\(folder.name)' was left aside: it \(failure.message)")
      }
    }
    if let first = checkpoints.first, let other = checkpoints.first(where: { $0.adapter.name != first.adapter.name }) {
      throw Failure(
        .badData,
        "holds the adapter '\(first.adapter.name)' in \(first.folder) but '\(other.adapter.name)' in \(other.folder)",
        advice: "keep the checkpoints of one run only")
    }
    return (checkpoints, notes)
  }

  private func checkpoint(_ place: Layout.Place, _ folder: CheckpointFolder, _ choice: AdapterChoice) throws
    -> Checkpoint
  {
    guard let adapter = try adapterFiles(at: place, choice) else { throw locatedFailure(at: place, choice) }
    for domain in place.validationGradients.keys.sorted() {
      try locating(file: displayName(layout.wrapping + folder.name)) { try ClientName.check(domain, of: "domain") }
    }
    return Checkpoint(
      step: folder.step, folder: folder.name, adapter: adapter,
      optimizer: place.optimizer.map { file($0, .optimizers) },
      otherOptimizers: place.otherOptimizers.sorted(),
      trainerState: place.trainerState.map { file($0, .trainerStates) },
      gradients: GradientFiles(
        train: place.trainGradients.map { file($0, .gradients) },
        anchor: place.anchorGradients.map { file($0, .gradients) },
        validation: place.validationGradients.mapValues { file($0, .gradients) }))
  }

  private func adapterFiles(at place: Layout.Place, _ choice: AdapterChoice) throws -> AdapterFiles? {
    let part: Part = place.folder == nil ? .adapter : .adapters
    return try locating(file: place.folder.map { displayName(layout.wrapping + $0.name) }) {
      try place.adapter(named: choice.name).map {
        AdapterFiles(name: $0.name, config: file($0.config, part), weights: file($0.weights, part))
      }
    }
  }

  /// Why a checkpoint has no adapter that can be taken.
  private func locatedFailure(at place: Layout.Place, _ choice: AdapterChoice) -> Failure {
    do {
      _ = try adapterFiles(at: place, choice)
    } catch let failure as Failure {
      return failure
    } catch {}
    return Failure(
      .badData, "holds no LoRA adapter: adapter_config.json and adapter_model.safetensors are missing",
      advice: "only runs that train an adapter with PEFT can be read, not full fine-tunes",
      file: place.folder.map { displayName(layout.wrapping + $0.name) })
  }

  /// Evidence in the wrong folder, in the order of the paths.
  var misplaced: [MisplacedEvidence] {
    layout.strays.sorted { $0.entry.path < $1.entry.path }.compactMap { stray in
      MisplacedEvidence(
        stray.path, isCheckpoint: layout.loneCheckpoint != nil, name: displayName(stray.entry.path))
    }
  }

  /// Optimizer and gradients at the root belong to a step that nobody knows.
  func refuseStrayEvidence() throws {
    let root = layout.root
    let strays =
      (parts.contains(.optimizers) ? [root.optimizer] : [])
      + (parts.contains(.gradients)
        ? [root.trainGradients, root.anchorGradients] + Array(root.validationGradients.values) : [])
    guard let stray = strays.compactMap({ $0 }).min(by: { $0.path < $1.path }) else { return }
    throw Failure(
      .badData, "lies at the root, where no step is known for it",
      advice: "pack the checkpoint as the Trainer wrote it, with its folder checkpoint-N",
      file: displayName(stray.path))
  }

  /// There is nothing here that Clues knows; says where it may be hidden.
  var nothingKnown: Failure {
    let hidden = layout.ignored.map(\.path).filter { path in
      path.hasSuffix("/adapter_config.json") || path.hasSuffix("/adapter_model.safetensors")
    }.min()
    if let hidden {
      return Failure(
        .badData, "holds no adapter at its root, but '\(hidden)' deeper inside",
        advice: "give or pack the folder that the adapter or the checkpoints lie in; one wrapping folder is fine")
    }
    return Failure(
      .badData, "holds no LoRA adapter: no adapter_config.json with adapter_model.safetensors, and no checkpoint-N",
      advice: "give the output folder of the Trainer or of PEFT's save_pretrained, or an archive of it")
  }
}
