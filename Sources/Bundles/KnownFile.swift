import Adapters

/// A file that Clues recognizes by its path: its checkpoint, its adapter, and its role.
struct KnownFile: Equatable {
  /// The checkpoint's folder and step; nil at the root.
  var checkpoint: CheckpointFolder?

  var kind: Kind

  enum Kind: Equatable {
    case manifest, samples, ledger
    case adapterConfig(adapter: String)
    case adapterWeights(adapter: String)
    /// Weights in a form that is refused: a pickle, or one file of several.
    case unreadableWeights(adapter: String, file: String)
    case trainerState
    case optimizer
    case otherOptimizer(String)
    case trainGradients, anchorGradients
    case validationGradients(domain: String)
  }

  /// Interprets a path below the bundle's root; nil for an unknown file.
  init?(_ components: some Collection<String>) {
    guard let first = components.first else { return nil }
    let folder = components.count > 1 ? CheckpointFolder(first) : nil
    let rest = Array(components.dropFirst(folder == nil ? 0 : 1))
    guard let kind = Self.kind(rest, isRoot: folder == nil) else { return nil }
    checkpoint = folder
    self.kind = kind
  }

  private static func kind(_ rest: [String], isRoot: Bool) -> Kind? {
    if rest[0].hasPrefix("global_step") && rest.count > 1 { return .otherOptimizer(rest[0] + "/") }
    if rest[0].hasPrefix("optimizer_") && rest.count > 1 { return .otherOptimizer(rest[0] + "/") }
    switch rest.count {
    case 1:
      switch rest[0] {
      case "clues.json" where isRoot: return .manifest
      case "samples.jsonl" where isRoot: return .samples
      case "ledger.jsonl" where isRoot: return .ledger
      case "trainer_state.json": return .trainerState
      case "optimizer.pt": return .optimizer
      case "optimizer.bin": return .otherOptimizer(rest[0])
      default: return adapterFile(rest[0], adapter: AdapterFiles.defaultName)
      }
    case 2 where rest[0] == "gradients": return gradients(rest[1])
    case 2: return adapterFile(rest[1], adapter: rest[0])
    default: return nil
    }
  }

  private static func adapterFile(_ name: String, adapter: String) -> Kind? {
    switch name {
    case PEFTFile.config: .adapterConfig(adapter: adapter)
    case PEFTFile.weights: .adapterWeights(adapter: adapter)
    case PEFTFile.pickledWeights, PEFTFile.shardIndex:
      .unreadableWeights(adapter: adapter, file: name)
    default:
      PEFTFile.isShard(name) ? .unreadableWeights(adapter: adapter, file: name) : nil
    }
  }

  /// Whether a file has a name of per-sample gradients.
  static func isGradientFile(_ name: String) -> Bool { gradients(name) != nil }

  private static func gradients(_ name: String) -> Kind? {
    switch name {
    case "train.safetensors": return .trainGradients
    case "anchor.safetensors": return .anchorGradients
    default:
      let (head, tail) = ("validation.", ".safetensors")
      guard name.hasPrefix(head), name.hasSuffix(tail), name.utf8.count > head.utf8.count + tail.utf8.count else {
        return nil
      }
      return .validationGradients(domain: String(name.dropFirst(head.count).dropLast(tail.count)))
    }
  }

  /// The part the file belongs to; nil if it is never read as a part.
  var part: Part? {
    switch kind {
    case .manifest, .unreadableWeights, .otherOptimizer: nil
    case .samples: .samples
    case .ledger: .ledger
    case .adapterConfig, .adapterWeights: checkpoint == nil ? .adapter : .adapters
    case .trainerState: .trainerStates
    case .optimizer: .optimizers
    case .trainGradients, .anchorGradients, .validationGradients: .gradients
    }
  }

  /// Whether this file belongs only in a checkpoint.
  var belongsToCheckpoint: Bool {
    switch kind {
    case .manifest, .samples, .ledger: false
    default: true
    }
  }
}

/// A folder named `checkpoint-N`, as the Trainer writes it.
struct CheckpointFolder: Hashable {
  let name: String
  let step: Int

  init?(_ name: String) {
    let prefix = "checkpoint-"
    let digits = name.utf8.dropFirst(prefix.utf8.count)
    guard name.hasPrefix(prefix), !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let step = Int(name.dropFirst(prefix.count))
    else { return nil }
    self.name = name
    self.step = step
  }
}
