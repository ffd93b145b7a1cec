import Diagnostics

/// Which of several adapters of a bundle to use.
struct AdapterChoice {
  /// The adapter's name; nil for the only one.
  var name: String?

  /// The checkpoint; nil for the final adapter, or the last checkpoint's if there is none.
  var checkpoint: CheckpointChoice?

  /// How a user selects an adapter.
  static func howToName(_ adapter: String) -> String {
    "--adapter \(adapter), or INPUT#\(adapter); in a recipe, adapter: \(adapter)"
  }
}

/// The checkpoint whose adapter is used for a client.
public enum CheckpointChoice: Sendable, Equatable {
  case step(Int)
  /// The one with the highest step; the final adapter if there are no checkpoints.
  case last
}

extension BundleIndex {
  /// The adapter used for the client, and its step.
  ///
  /// - throws: ``Failure`` `badData` if one was requested and there is none.
  func adapter(in trajectory: [Checkpoint]) throws -> (files: AdapterFiles, step: Int?)? {
    guard parts.contains(.adapter) else { return nil }
    var isRootMeant = !isOnlyInCheckpoints
    if case .step(let step)? = choice.checkpoint {
      isRootMeant = false
      guard folder(ofStep: step) != nil else {
        let steps = checkpoints.compactMap { $0.checkpoint.map { String($0.step) } }.joined(separator: ", ")
        throw Failure(
          .badData, "holds no checkpoint of step \(step)",
          advice: steps.isEmpty ? "it holds no checkpoints at all" : "it holds the steps \(steps)")
      }
    } else if choice.checkpoint == .last, !checkpoints.isEmpty {
      isRootMeant = false
    }
    if isRootMeant, let root = try adapterFiles(in: root) { return (root, nil) }
    let folder = checkpoints.last { folder in
      if case .step(let step)? = choice.checkpoint { folder.checkpoint?.step == step } else { true }
    }
    guard let folder else { throw nothingKnown }
    guard let checkpoint = trajectory.first(where: { $0.step == folder.checkpoint?.step }) else {
      throw locatedFailure(in: folder)
    }
    return (checkpoint.adapter, checkpoint.step)
  }

  /// Whether the named adapter is in checkpoints, but not at the root.
  private var isOnlyInCheckpoints: Bool {
    guard let name = choice.name else { return false }
    return root.adapters[name] == nil && checkpoints.contains { $0.adapters[name] != nil }
  }

  /// The adapter at the root, if it is complete, for the list of files.
  var rootAdapter: AdapterFiles? { try? adapterFiles(in: root) }

  private func folder(ofStep step: Int) -> Folder? { checkpoints.first { $0.checkpoint?.step == step } }

  /// The checkpoints with complete adapters. An incomplete one is an error if checkpoints were requested, otherwise a note.
  func trajectory() throws -> (checkpoints: [Checkpoint], notes: [String]) {
    var trajectory: [Checkpoint] = []
    var notes: [String] = []
    for folder in checkpoints {
      guard let name = folder.checkpoint else { continue }
      do {
        trajectory.append(try checkpoint(in: folder, name))
      } catch let failure as Failure {
        if !parts.isDisjoint(with: Part.ofCheckpoints) { throw failure }
        notes.append("'\(name.name)' was ignored: it \(failure.message)")
      }
    }
    if let first = trajectory.first, let other = trajectory.first(where: { $0.adapter.name != first.adapter.name }) {
      throw Failure(
        .badData,
        "holds the adapter '\(first.adapter.name)' in \(first.folder) but '\(other.adapter.name)' in \(other.folder)",
        advice: "keep the checkpoints of one run only")
    }
    return (trajectory, notes)
  }

  private func checkpoint(in folder: Folder, _ name: CheckpointFolder) throws -> Checkpoint {
    guard let adapter = try adapterFiles(in: folder) else { throw locatedFailure(in: folder) }
    for domain in folder.validationGradients.keys.sorted() {
      try locating(file: displayName(wrapping + name.name)) { try ClientName.check(domain, of: "domain") }
    }
    return Checkpoint(
      step: name.step, folder: name.name, adapter: adapter,
      optimizer: folder.optimizer.map { file($0, .optimizers) },
      otherOptimizers: folder.otherOptimizers.sorted(),
      trainerState: folder.trainerState.map { file($0, .trainerStates) },
      gradients: GradientFiles(
        train: folder.trainGradients.map { file($0, .gradients) },
        anchor: folder.anchorGradients.map { file($0, .gradients) },
        validation: folder.validationGradients.mapValues { file($0, .gradients) }))
  }

  private func adapterFiles(in folder: Folder) throws -> AdapterFiles? {
    let part: Part = folder.checkpoint == nil ? .adapter : .adapters
    return try locating(file: folder.checkpoint.map { displayName(wrapping + $0.name) }) {
      try folder.adapter(named: choice.name).map {
        AdapterFiles(name: $0.name, config: file($0.config, part), weights: file($0.weights, part))
      }
    }
  }

  /// Why a checkpoint has no usable adapter.
  private func locatedFailure(in folder: Folder) -> Failure {
    do {
      _ = try adapterFiles(in: folder)
    } catch let failure as Failure {
      return failure
    } catch {}
    return Failure(
      .badData, "holds no LoRA adapter: adapter_config.json and adapter_model.safetensors are missing",
      advice: "only runs that train an adapter with PEFT can be read, not full fine-tunes",
      file: folder.checkpoint.map { displayName(wrapping + $0.name) })
  }

  /// The files of the adapters that are present, but not used.
  var adaptersNotTaken: [BundleEntry] {
    ([root] + checkpoints).flatMap { folder -> [BundleEntry] in
      guard let taken = try? folder.adapter(named: choice.name) else { return [] }
      return folder.adapters.filter { $0.key != taken.name }.sorted { $0.key < $1.key }
        .flatMap { [$0.value.config, $0.value.weights].compactMap { $0 } }
    }
  }

  /// A note on adapters below the one that is used, if the user did not choose one.
  ///
  /// - parameter step: The checkpoint of the adapter that is used; nil for the root.
  func noteOnOtherAdapters(step: Int?) -> String? {
    let folder = step.flatMap { self.folder(ofStep: $0) } ?? root
    guard choice.name == nil, let taken = try? folder.adapter(named: nil), taken.name == AdapterFiles.defaultName else {
      return nil
    }
    let others = folder.adapters.keys.filter { $0 != taken.name }.sorted()
    if isRunDirectory, others == [Self.residual] {
      return "'\(Self.residual)/' is what compression left out of this merge: not a second adapter, and not read"
    }
    guard let first = others.first else { return nil }
    return "the adapter at the root is used, not \(others.map { "'\($0)'" }.joined(separator: " or ")) below it; "
      + "to use another one: \(AdapterChoice.howToName(first))"
  }
}

extension BundleIndex.Folder {
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

  /// The adapter to use; nil if there is none at all. Unless a name is given, it is the only one, or the one without a folder
  /// of its own.
  ///
  /// - throws: ``Failure`` `badData` if there are several, if it is incomplete, or in a form that is refused.
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

extension BundleIndex.AdapterParts {
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
        advice: "add the adapter_config.json that PEFT wrote next to the weights")
    }
    return (config, weights)
  }
}
