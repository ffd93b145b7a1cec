import Diagnostics

/// A file of evidence in a place where it is not read.
public struct MisplacedEvidence: Sendable, Equatable {
  /// The path inside the bundle.
  public let path: String

  /// The part it would belong to.
  public let part: Part

  /// Its name in messages.
  let name: String

  /// Where it belongs, as a sentence.
  let place: String

  /// Examines the path of a file, without the folder that wraps the bundle.
  ///
  /// - parameter isCheckpoint: Whether the bundle is one checkpoint, with its files at the root.
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

  /// Notes on files that do not prevent anything.
  static func notes(_ files: [MisplacedEvidence]) -> [String] {
    let parts = Dictionary(grouping: files, by: \.part).sorted { $0.key.rawValue < $1.key.rawValue }
    return parts.map { _, files in
      let more = files.count > 1 ? " (nor are \(files.count - 1) more like it)" : ""
      return "'\(files[0].path)' is not read\(more): \(files[0].place)"
    }
  }
}

extension Bundle {
  /// Refuses evidence in the wrong place if there is none of its kind in the right one.
  ///
  /// - parameter parts: The parts about to be used.
  /// - throws: ``Failure`` `badData` with the file and where it belongs.
  public func refuseMisplaced(_ parts: Set<Part>) throws {
    guard let file = misplaced.first(where: { parts.contains($0.part) && !holds($0.part) }) else { return }
    throw Failure(.badData, "is in a place where it would not be read", advice: file.place, file: file.name)
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
