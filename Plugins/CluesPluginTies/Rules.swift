import PluginKit

/// The choices in which programs differ, and their defaults.
struct Rules {
  var elect = Elect.total
  var election = Election.unweighted
  var divide = Divide.count
  var rescale = Rescale.none
}

/// The parameters of a sign election. Those without a default follow the preset.
struct Agreement: ParameterGroup {
  @Parameter("Whether the election sums magnitudes (total) or only signs (frequency); by default total.")
  var elect: Elect? = nil
  @Parameter("Whether the merge weights count in the election; the preset decides.")
  var election: Election? = nil
  @Parameter("The divisor of the sum of the agreeing entries; the preset decides.")
  var divide: Divide? = nil
  @Parameter("A factor for the whole result.") var lambda = 1.0

  func consensus(_ rules: Rules) -> Consensus {
    .agreement(
      elect: elect ?? rules.elect, election: election ?? rules.election, divide: divide ?? rules.divide, lambda: lambda)
  }
}

/// The parameters of a plain sum.
struct WeightedSum: ParameterGroup {
  @Parameter("Divide by the sum of the weights.") var normalize = false
  @Parameter("A factor for the whole result.") var lambda = 1.0

  var consensus: Consensus { .sum(normalize: normalize, lambda: lambda) }
}

/// The parameter for how kept entries compensate for the others.
struct Rescaling: ParameterGroup {
  @Parameter(
    "The factor for kept entries: 1/density (inverse), the one that preserves the sum of magnitudes (l1), or none; "
      + "the preset decides.")
  var rescale: Rescale? = nil
}
