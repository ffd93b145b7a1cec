import PluginKit

/// What is disputed about a method, and how it is decided where nobody says otherwise.
struct Rules {
  var elect = Elect.total
  var election = Election.unweighted
  var divide = Divide.count
  var rescale = Rescale.none
}

/// The parameters of an election of signs. Those without a default follow the preset.
struct Agreement: ParameterGroup {
  @Parameter("Whether magnitudes (total) or signs alone (frequency) are summed for the election; by default total.")
  var elect: Elect? = nil
  @Parameter("Whether the merge weights count in the election; by default as the preset says.")
  var election: Election? = nil
  @Parameter("What the sum of the agreeing entries is divided by; by default as the preset says.")
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

/// The parameter that says how kept entries make up for the others.
struct Rescaling: ParameterGroup {
  @Parameter(
    "What kept entries are multiplied with: 1/density (inverse), what keeps the sum of magnitudes (l1), or nothing (none); "
      + "by default as the preset says.")
  var rescale: Rescale? = nil
}
