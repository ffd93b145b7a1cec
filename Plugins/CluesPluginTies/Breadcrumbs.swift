import PluginKit

/// Drops the smallest and the very largest entries, and sums.
struct Breadcrumbs: PruningMethod {
  static let id = "breadcrumbs"
  static let summary =
    "Drops the smallest and the very largest entries of each update and adds up the rest by weight."
  static let details = """
    1. Prune: each client's n entries are sorted by falling magnitude, equal ones by index; the first ⌊gamma·n⌋ are \
    dropped and the next ⌊density·n⌋ are kept. If there is no room for both, fewer large ones are dropped.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set.

    If ⌊gamma·n⌋ is 0, mergekit sets the matrix to zero, a bug with an empty slice; here nothing is dropped then. \
    Otherwise the numbers are mergekit's.
    """
  static let reference =
    "Davari and Belilovsky 2023, Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks (arXiv 2312.06795)"

  var pruning = OutlierPruning()
  @Parameter("The factor for kept entries: 1/density, the one that preserves the sum of magnitudes, or none.")
  var rescale = Rescale.none
  var sum = WeightedSum()

  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}

/// Drops the smallest and the very largest entries, and elects signs.
struct BreadcrumbsTies: PruningMethod {
  static let id = "breadcrumbs-ties"
  static let summary = "Drops the smallest and the very largest entries, elects signs and merges what agrees."
  static let details = """
    1. Prune as breadcrumbs does.

    2. Elect and merge as in ties: see there for elect, election, divide and lambda. The combination comes from mergekit, \
    and so do the defaults where programs differ: election weighted, divide none.
    """
  static let reference = Breadcrumbs.reference

  var pruning = OutlierPruning()
  @Parameter("The factor for kept entries: 1/density, the one that preserves the sum of magnitudes, or none.")
  var rescale = Rescale.none
  @Parameter("Whether the election sums magnitudes (total) or only signs (frequency).") var elect = Elect
    .total
  @Parameter("Whether the merge weights count in the election.") var election = Election.weighted
  @Parameter("The divisor of the sum of the agreeing entries.") var divide = Divide.none
  @Parameter("A factor for the whole result.") var lambda = 1.0

  var consensus: Consensus { .agreement(elect: elect, election: election, divide: divide, lambda: lambda) }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}
