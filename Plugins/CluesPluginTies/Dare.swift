import PluginKit

/// Drops entries at random, scales up the others, and elects signs.
struct DareTies: PruningMethod {
  static let id = "dare-ties"
  static let summary = "Drops random entries of each update, rescales the rest, elects signs and merges what agrees."
  static let details = """
    1. Drop: every entry is kept with probability `density`. The random numbers depend only on the seed, the client, the \
    module and the entry's position.

    2. Rescale: kept entries are divided by density (rescale: inverse), so that their expectation is the update; or \
    multiplied by ‖ΔW‖₁ / ‖kept‖₁ (rescale: l1), which preserves the sum of magnitudes; or left alone (rescale: none).

    3. Elect and merge as in ties: see there for elect, election, divide and lambda.

    Where programs differ, a preset decides what you do not set:
      paper     rescale inverse, election unweighted, divide count: DARE, then TIES as in its paper; the default
      peft      the same: PEFT's rule since 0.19; earlier, PEFT did not rescale (rescale: none)
      mergekit  rescale l1, election weighted, divide none: mergekit's rule with its defaults; divide: weights is its \
    normalize: true
    """
  static let reference =
    "Yu et al. 2023, Language Models are Super Mario: Absorbing Abilities from Homologous Models (arXiv 2311.03099)"

  enum Preset: String, ParameterChoice { case paper, peft, mergekit }

  var pruning = RandomPruning()
  @Parameter("Which program's rules apply where they differ.") var preset = Preset.paper
  var rescaling = Rescaling()
  var agreement = Agreement()

  private var rules: Rules {
    switch preset {
    case .paper, .peft: Rules(rescale: .inverse)
    case .mergekit: Rules(election: .weighted, divide: .none, rescale: .l1)
    }
  }

  var rescale: Rescale { rescaling.rescale ?? rules.rescale }
  var consensus: Consensus { agreement.consensus(rules) }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) -> Mask { pruning.mask(of: input) }
}

/// Drops entries at random, scales up the others, and sums.
struct DareLinear: PruningMethod {
  static let id = "dare-linear"
  static let summary = "Drops random entries of each update, rescales the rest and adds up by weight."
  static let details = """
    1. Drop and rescale as in dare-ties.

    2. Sum: ΔW = lambda · Σ wᵢ xᵢ, divided by Σ wᵢ if normalize is set.

    Where programs differ, a preset decides what you do not set:
      paper     rescale inverse; the default
      peft      the same: PEFT's rule since 0.19; earlier, PEFT did not rescale (rescale: none)
      mergekit  rescale l1
    """
  static let reference = DareTies.reference

  var pruning = RandomPruning()
  @Parameter("Which program's rules apply where they differ.") var preset = DareTies.Preset.paper
  var rescaling = Rescaling()
  var sum = WeightedSum()

  var rescale: Rescale { rescaling.rescale ?? (preset == .mergekit ? .l1 : .inverse) }
  var consensus: Consensus { sum.consensus }
  func density(of input: MergeInput) -> Double { pruning.density[input] }
  func mask(of input: MergeInput, in unit: MergeUnit) -> Mask { pruning.mask(of: input) }
}
