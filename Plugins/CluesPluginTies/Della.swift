import PluginKit

/// Drops entries at random, preferably small ones, and elects signs.
struct Della: PruningMethod {
  static let id = "della"
  static let summary = "Drops random entries, preferably small ones, elects signs and merges what agrees."
  static let details = """
    1. Drop: in each row the entries are ranked by falling magnitude, equal ones by index. An entry is kept with a \
    probability that falls evenly with its rank, from density + epsilon for the largest to density − epsilon for the \
    smallest, both between 0 and 1; density 0 keeps none and 1 keeps all. A row of one entry keeps it with probability \
    density. Random numbers are those of dare-ties.

    2. Rescale: kept entries are divided by their own probability (rescale: inverse), or multiplied by ‖ΔW‖₁ / ‖kept‖₁ \
    (rescale: l1), or left alone (rescale: none).

    3. Elect and merge as in ties: see there for elect, election, divide and lambda.

    Where programs differ, a preset decides what you do not set:
      paper     rescale inverse, election unweighted, divide count; the default
      mergekit  rescale l1, election weighted, divide weights
    """
  static let reference =
    "Deep et al. 2024, DELLA-Merging: Reducing Interference through Magnitude-Based Sampling (arXiv 2406.11617)"

  enum Preset: String, ParameterChoice { case paper, mergekit }

  var pruning = RankedPruning()
  @Parameter("Which program's rules apply where they differ.") var preset = Preset.paper
  var rescaling = Rescaling()
  var agreement = Agreement()

  private var rules: Rules {
    switch preset {
    case .paper: Rules(rescale: .inverse)
    case .mergekit: Rules(election: .weighted, divide: .weights, rescale: .l1)
    }
  }

  var rescale: Rescale { rescaling.rescale ?? rules.rescale }
  var consensus: Consensus { agreement.consensus(rules) }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input, rescale) }
}

/// Drops entries at random, preferably small ones, and sums.
struct DellaLinear: PruningMethod {
  static let id = "della-linear"
  static let summary = "Drops random entries, preferably small ones, and adds up the rest by weight."
  static let details = """
    1. Drop and rescale as in della.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set.

    Where programs differ, a preset decides what you do not set: paper, the default, has rescale inverse, and mergekit l1.
    """
  static let reference = Della.reference

  var pruning = RankedPruning()
  @Parameter("Which program's rules apply where they differ.") var preset = Della.Preset.paper
  var rescaling = Rescaling()
  var sum = WeightedSum()

  var rescale: Rescale { rescaling.rescale ?? (preset == .mergekit ? .l1 : .inverse) }
  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input, rescale) }
}

/// DELLA's probabilities: within a row the largest entry is kept most surely, the smallest one least.
struct RankedShares: BitwiseCopyable {
  /// The probability in the middle of the row.
  let density: Double
  /// How far the ends of the row are from it.
  let epsilon: Double
  /// Whether a kept entry is divided by its probability.
  let isInverse: Bool
}
