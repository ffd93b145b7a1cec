import PluginKit

/// Leaves out the smallest and the very largest entries, and sums.
struct Breadcrumbs: PruningMethod {
  static let id = "breadcrumbs"
  static let summary =
    "Leaves out the smallest and the very largest entries of each update and sums up with the weights."
  static let details = """
    1. Prune: of each client's n entries by falling magnitude, equal ones by index, the first ⌊gamma·n⌋ are left out and \
    the next ⌊density·n⌋ are kept. Where there is no room for both, fewer large ones are left out.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set.

    mergekit makes a matrix zero when ⌊gamma·n⌋ is 0, which is a slip with an empty slice; here nothing is left out then. \
    Otherwise these are mergekit's numbers.
    """
  static let reference =
    "Davari and Belilovsky 2023, Model Breadcrumbs: Scaling Multi-Task Model Merging with Sparse Masks (arXiv 2312.06795)"

  var pruning = OutlierPruning()
  @Parameter("What kept entries are multiplied with: 1/density, what keeps the sum of magnitudes, or nothing.")
  var rescale = Rescale.none
  var sum = WeightedSum()

  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}

/// Leaves out the smallest and the very largest entries, and elects signs.
struct BreadcrumbsTies: PruningMethod {
  static let id = "breadcrumbs-ties"
  static let summary = "Leaves out the smallest and the very largest entries, elects signs and merges what agrees."
  static let details = """
    1. Prune as breadcrumbs does.

    2. Elect and merge as ties does: see there for elect, election, divide and lambda. The combination comes from \
    mergekit, and so do the defaults of what is disputed: election weighted, divide none.
    """
  static let reference = Breadcrumbs.reference

  var pruning = OutlierPruning()
  @Parameter("What kept entries are multiplied with: 1/density, what keeps the sum of magnitudes, or nothing.")
  var rescale = Rescale.none
  @Parameter("Whether magnitudes (total) or signs alone (frequency) are summed for the election.") var elect = Elect
    .total
  @Parameter("Whether the merge weights count in the election.") var election = Election.weighted
  @Parameter("What the sum of the agreeing entries is divided by.") var divide = Divide.none
  @Parameter("A factor for the whole result.") var lambda = 1.0

  var consensus: Consensus { .agreement(elect: elect, election: election, divide: divide, lambda: lambda) }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask { try pruning.mask(of: input) }
}
