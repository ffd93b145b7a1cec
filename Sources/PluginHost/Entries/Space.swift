import CluesPluginABI

/// What a merge method is applied to.
public enum Space: String, Sendable, CaseIterable {
  /// Only coefficients: the sum is exact.
  case stack
  /// The deltas in a common small basis.
  case core
  /// The dense deltas.
  case delta
  /// A and B separately.
  case factors

  var abi: clues_space {
    switch self {
    case .stack: CLUES_SPACE_STACK
    case .core: CLUES_SPACE_CORE
    case .delta: CLUES_SPACE_DELTA
    case .factors: CLUES_SPACE_FACTORS
    }
  }
}
