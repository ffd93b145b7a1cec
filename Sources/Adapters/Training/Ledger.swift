/// What was measured about samples at checkpoints, column by column: losses, lengths, norms and inner products.
///
/// A column has the values of one key in the rows of `ledger.jsonl`; members of nested objects are named with a dot
/// (`dot.medical`).
public struct Ledger: Sendable {
  /// The samples, in the order in which they first appear; the rows of every column.
  public let samples: [Sample]

  /// The checkpoints, by step.
  public let checkpoints: [Checkpoint]

  /// The names of all columns, in the order in which they first appear.
  public let columnNames: [String]

  public struct Checkpoint: Sendable {
    public let step: Int

    /// The learning rate of all its rows; nil if no row names one.
    public let learningRate: Double?

    /// The columns of its rows; one value per sample, nil if missing.
    public let columns: [String: [Double?]]

    /// The samples without a row here, as indices in ``Ledger/samples``.
    public var absentSamples: [Int] { absent.sorted() }

    let absent: Set<Int>

    /// Why a value is not a number, by column and sample.
    let reasons: [String: [Int: String]]

    /// Why a sample has no value in a column; nil if it has one.
    public func reason(column: String, sample: Int) -> String? {
      if let reason = reasons[column]?[sample] { return reason }
      if let values = columns[column], values.indices.contains(sample), values[sample] != nil { return nil }
      return absent.contains(sample)
        ? "not in the ledger at checkpoint \(step)" : "no '\(column)' in the ledger at checkpoint \(step)"
    }
  }

  /// The number of samples in each split that has some, by its name.
  public var counts: [String: Int] { Dictionary(grouping: samples, by: \.split.rawValue).mapValues(\.count) }

  /// One sentence for each checkpoint that lacks samples: how many, and the first of them.
  public var notes: [String] {
    checkpoints.compactMap { checkpoint in
      guard let first = checkpoint.absentSamples.first else { return nil }
      let count = checkpoint.absentSamples.count
      return "checkpoint \(checkpoint.step) lacks \(count) of \(samples.count) samples in the ledger, the first being "
        + "'\(samples[first].id)'"
    }
  }
}
