import PluginKit

/// Why one sample has no score; the others are not affected.
struct Unscorable: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

extension Checkpoint {
  /// A score or a reason for every sample.
  func score(_ value: (Int) throws(Unscorable) -> Double) -> [Score] {
    (0..<sampleCount).map { sample in
      do throws(Unscorable) {
        let value = try value(sample)
        guard value.isFinite else { throw Unscorable("its score is not a finite number") }
        return .value(value)
      } catch {
        return .unscored("\(error.reason) at checkpoint \(step)")
      }
    }
  }

  /// The value of a column for a sample.
  func value(_ column: String, of sample: Int) throws(Unscorable) -> Double {
    guard let value = self.column(column)?[sample], value.isFinite else { throw Unscorable("it has no \(column)") }
    return value
  }

  /// The number of tokens over which a sample's loss is the mean, at least 1.
  func tokens(of sample: Int) throws(Unscorable) -> Double {
    let tokens = try value(Column.tokens, of: sample)
    guard tokens > 0 else { throw Unscorable("its loss covers no tokens") }
    return tokens
  }

  /// A norm, positive so that it can be a divisor.
  func norm(_ column: String, of sample: Int) throws(Unscorable) -> Double {
    let norm = try value(column, of: sample)
    guard norm > 0 else { throw Unscorable("its \(column) is \(norm)") }
    return norm
  }
}

/// The columns of ledgers and gradient files that scorers read.
enum Column {
  static let tokens = "tokens"
  static let loss = "loss"
  static let baseLoss = "base_loss"
  static let baseLossWithoutPrompt = "base_loss_without_prompt"
  static let gradientNorm = "gradient_norm"

  /// One column for each validation domain.
  static func each(_ name: String) -> String { "\(name).*" }
}
