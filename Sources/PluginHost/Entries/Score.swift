import CluesPluginABI

/// One way to compute scores.
public struct ScorerNeeds: Sendable, Hashable {
  public let evidence: Evidence
  /// Names of columns; `dot.*` means one for each validation domain.
  public let columns: [String]
  /// How often the rows of each tensor are shown.
  public let passes: Int
  public let lastCheckpointOnly: Bool
}

/// A sample's score, or why it has none.
public enum Score: Sendable, Equatable {
  case value(Double)
  case unscored(String)

  public var value: Double? { if case .value(let value) = self { value } else { nil } }
}

extension [Score] {
  /// The scores of a checkpoint, for the call that combines those of all checkpoints.
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_scores> {
    var table = empty(clues_scores.self)
    table.count = UInt64(count)
    table.values = UnsafeMutablePointer(
      mutating: memory.array("the scores of a checkpoint", map { $0.value ?? .nan }))
    let reasons = map { score -> UnsafePointer<CChar>? in
      if case .unscored(let reason) = score { memory.text(reason) } else { nil }
    }
    table.reasons = UnsafeMutablePointer(mutating: memory.array("the reasons of a checkpoint", reasons))
    return memory.table("scores", table)
  }
}

/// Which part of the data a sample belongs to.
public enum Split: UInt32, Sendable {
  case train, anchor

  public var name: String { self == .train ? "train" : "anchor" }

  /// The split of this name.
  public init?(name: String) {
    guard let split = [Self.train, .anchor].first(where: { $0.name == name }) else { return nil }
    self = split
  }
}
