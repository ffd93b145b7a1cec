import PluginKit

/// Trims and sums.
struct MagnitudePrune: PruningMethod {
  static let id = "magnitude-prune"
  static let summary = "Keeps the largest entries of each update and sums up with the weights."
  static let details = """
    1. Trim: of each client's matrix the ⌊density·n⌋ entries with the largest magnitude are kept; of equal magnitudes at \
    the edge the first ones stay.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set. These are PEFT's numbers.
    """
  static let reference = "PEFT, magnitude_prune"

  var pruning = MagnitudePruning()
  @Parameter("What kept entries are multiplied with: 1/density, what keeps the sum of magnitudes, or nothing.")
  var rescale = Rescale.none
  var sum = WeightedSum()

  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}
