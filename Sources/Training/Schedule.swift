import Glibc

/// The course of the learning rate, as in transformers (`get_linear_schedule_with_warmup` and others).
package enum Schedule: String, Sendable, CaseIterable {
  /// Decays linearly to 0.
  case linear
  /// Decays to 0 along half a cosine.
  case cosine
  case constant

  /// The share of the full rate in a step, counted from 0; during warm-up it rises linearly from 0.
  package func factor(step: Int, warmup: Int, total: Int) -> Double {
    if step < warmup { return Double(step) / Double(max(1, warmup)) }
    let span = Double(max(1, total - warmup))
    switch self {
    case .linear: return max(0, Double(total - step) / span)
    case .cosine: return max(0, 0.5 * (1 + cos(Double.pi * 0.5 * 2 * (Double(step - warmup) / span))))
    case .constant: return 1
    }
  }
}
