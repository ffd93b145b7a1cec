import PluginKit

/// Trims and sums.
struct MagnitudePrune: PruningMethod {
  static let id = "magnitude-prune"
  static let summary = "Keeps the largest entries of each update and adds up by weight."
  static let details = """
    1. Trim: the ⌊density·n⌋ entries of each client's matrix with the largest magnitude are kept; of equal magnitudes at \
    the boundary the first ones are kept.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set. The numbers are PEFT's.
    """
  static let reference = "PEFT, magnitude_prune"

  var pruning = MagnitudePruning()
  @Parameter("The factor for kept entries: 1/density, the one that preserves the sum of magnitudes, or none.")
  var rescale = Rescale.none
  var sum = WeightedSum()

  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}
