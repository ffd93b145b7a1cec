import Diagnostics

/// The possible values of a client's measurement, by the name of its column.
///
/// The bounds lie far beyond anything that training produces. They exclude what cannot have been measured, and what would
/// make the means and deviations of all clients' scores infinite or meaningless.
public struct Measure: Sendable, Equatable {
  /// The allowed values.
  public let range: ClosedRange<Double>
  /// Whether the values are counts.
  public let isWhole: Bool
  /// What the numbers are, for messages: `a loss`.
  let kind: String

  private init(_ kind: String, _ range: ClosedRange<Double>, isWhole: Bool = false) {
    (self.kind, self.range, self.isWhole) = (kind, range, isWhole)
  }

  /// The rate of one optimizer step. Optimizers that find their own rate log 1.
  public static let learningRate = Measure("a learning rate", 0...10)
  private static let tokens = Measure("a number of tokens", 0...1e8, isWhole: true)
  /// A cross-entropy, in nats per token.
  private static let loss = Measure("a loss", 0...1e6)
  /// The norm of a gradient of the mean loss; a single element is no larger.
  public static let gradientNorm = Measure("the norm of a gradient", 0...1e6)
  /// Adam makes every element of a gradient at most √1000.
  private static let updateNorm = Measure("the norm of an update", 0...1e9)
  private static let gradientProduct = Measure("an inner product of gradients", -1e12...1e12)
  private static let updateProduct = Measure("an inner product with an update", -1e15...1e15)
  /// Values for third-party scorers: the range of float32, so that squares and sums stay finite.
  private static let other = Measure(
    "a measured number", -Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude))

  /// The columns with known names; `NAME.*` means one for each domain.
  static let columns: [(name: String, measure: Measure)] = [
    ("learning_rate", learningRate), ("tokens", tokens), ("loss", loss), ("base_loss", loss),
    ("base_loss_without_prompt", loss), ("gradient_norm", gradientNorm), ("validation_norm.*", gradientNorm),
    ("adam_norm", updateNorm), ("reference_norm", updateNorm), ("dot.*", gradientProduct),
    ("adam_dot.*", updateProduct), ("reference_dot.*", updateProduct),
  ]

  /// The inner products with the mean validation gradient, and the norms of their left sides.
  static let products = [
    "dot": "gradient_norm", "adam_dot": "adam_norm", "reference_dot": "reference_norm",
  ]

  /// The norms of the mean validation gradients.
  static let target = "validation_norm"

  /// The measurement in a column.
  public init(column name: String) {
    let family = name.firstIndex(of: ".").map { name[..<$0] + ".*" } ?? name[...]
    self = Self.columns.first { $0.name == family }?.measure ?? .other
  }

  /// Why a finite number is impossible: `a loss is from 0 to 1000000`; nil if it is possible.
  public func fault(_ value: Double) -> String? {
    guard !(range.contains(value) && (!isWhole || value == value.rounded())) else { return nil }
    return bounds
  }

  /// The range in words: `a loss is from 0 to 1000000`.
  public var bounds: String {
    "\(kind) is \(isWhole ? "whole, " : "")from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
  }

  /// Refuses an impossible number.
  ///
  /// - parameter owner: The sample it belongs to, for the message: `of the train sample 'a'`.
  public static func check(_ value: Double, column name: String, of owner: String = "") throws {
    guard value.isFinite, let fault = Measure(column: name).fault(value) else { return }
    throw refusal(value, name, owner, fault)
  }

  static func refusal(_ value: Double, _ name: String, _ owner: String, _ fault: String) -> Failure {
    Failure(
      .badData, "has \(value) as '\(name)'\(owner.isEmpty ? "" : " \(owner)"), but \(fault)",
      advice: name == "learning_rate"
        ? "use the logged rate"
        : "measure it again; a sample whose number is missing or null is unscored, with the reason")
  }

  private static func text(_ bound: Double) -> String {
    abs(bound) < 1e9 ? "\(Int(bound))" : "\(bound)"
  }
}
