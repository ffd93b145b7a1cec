import Glibc

/// How the learning rate changes over a training, as transformers has it (`get_linear_schedule_with_warmup` and its like).
package enum Schedule: String, Sendable, CaseIterable {
  /// Falls to 0 on a line.
  case linear
  /// Falls to 0 on half a cosine.
  case cosine
  case constant

  /// The share of the full rate in a step that is counted from 0; in the warm-up it rises from 0 on a line.
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
