import Diagnostics

/// A file of evidence that lies where nobody looks for it.
public struct MisplacedEvidence: Sendable, Equatable {
  /// The path inside the bundle.
  public let path: String

  /// What it would be a part of.
  public let part: Part

  /// How messages call it.
  let name: String

  /// Where it belongs, in words.
  let place: String

  /// Looks at the path of a file, below what wraps the bundle.
  ///
  /// - parameter isCheckpoint: Whether the bundle is one checkpoint, whose files lie at its root.
  init?(_ components: [String], isCheckpoint: Bool, name displayName: String) {
    guard let file = components.last else { return nil }
    let isKnown = KnownFile(components).map { $0.checkpoint != nil || isCheckpoint || !$0.belongsToCheckpoint } ?? false
    guard !isKnown else { return nil }
    switch file {
    case "ledger.jsonl":
      (part, place) = (.ledger, "a ledger belongs at the root of the bundle, one for all checkpoints")
    case "samples.jsonl": (part, place) = (.samples, "it belongs at the root of the bundle, one for all checkpoints")
    case "optimizer.pt": (part, place) = (.optimizers, "it belongs in the checkpoint-N of the same step")
    default:
      guard KnownFile.isGradientFile(file) else { return nil }
      (part, place) = (.gradients, "it belongs in checkpoint-N/gradients, with the step that it was measured at")
    }
    path = components.joined(separator: "/")
    name = displayName
  }

  /// What the user should know where it stops nothing.
  static func notes(_ files: [MisplacedEvidence]) -> [String] {
    let parts = Dictionary(grouping: files, by: \.part).sorted { $0.key.rawValue < $1.key.rawValue }
    return parts.map { _, files in
      let more = files.count > 1 ? " (nor are \(files.count - 1) more like it)" : ""
      return "'\(files[0].path)' is not read\(more): \(files[0].place)"
    }
  }
}

extension Bundle {
  /// Refuses evidence that lies where it would not be read, where there is none of the kind in its place.
  ///
  /// - parameter parts: What is about to be used.
  /// - throws: ``Failure`` `badData` with the file and where it belongs.
  public func refuseMisplaced(_ parts: Set<Part>) throws {
    guard let file = misplaced.first(where: { parts.contains($0.part) && !holds($0.part) }) else { return }
    throw Failure(.badData, "lies where it would not be read", advice: file.place, file: file.name)
  }

  private func holds(_ part: Part) -> Bool {
    switch part {
    case .ledger: ledger != nil
    case .samples: samples != nil
    case .optimizers: checkpoints.contains { $0.optimizer != nil }
    case .gradients: checkpoints.contains { $0.gradients.train != nil }
    case .adapter, .adapters, .trainerStates: true
    }
  }
}
