import CKernels
import PluginKit

/// Trim, elect sign, merge: each client's largest entries, and per entry the clients that agree with the majority.
struct Ties: PruningMethod, SurveyingMergeMethod {
  static let id = "ties"
  static let summary = "Trims each update, elects a sign for every entry and averages the clients that agree with it."
  static let details = """
    1. Trim: the share `density` of each client's entries with the largest magnitude is kept, the rest is set to zero. \
    scope: matrix trims every matrix by itself, to ⌊density·n⌋ entries; of equal magnitudes at the boundary the first ones \
    are kept. scope: adapter trims over all matrices of the client together, as in the paper; of equal magnitudes at the \
    boundary all are kept. In space factors that counts the entries of A and B together.

    2. Elect: the sign of every entry is that of the sum of the clients' trimmed entries (elect: total), or of the count \
    of their signs (elect: frequency), weighted by the merge weights or not (election). A tie elects plus.

    3. Merge: the entries with the elected sign are multiplied by their weights, summed, and divided by their number \
    (divide: count), by the sum of their weights (divide: weights) or not at all (divide: none). Then everything is \
    multiplied by lambda. With divide: count the weights scale the result: equal weights should be 1, not 1/n.

    Where programs differ, a preset decides what you do not set:
      paper     scope adapter, election unweighted, divide count. The paper's code keeps one entry more than \
    ⌊density·n⌋, which is not copied.
      peft      scope matrix, election unweighted, divide count: the default, PEFT's numbers
      mergekit  scope matrix, election weighted, divide weights: mergekit's numbers with its default normalize; \
    its default density is 1. divide: none is its normalize: false, rescale: l1 its rescale: true.
    """
  static let reference =
    "Yadav et al. 2023, TIES-Merging: Resolving Interference When Merging Models (arXiv 2306.01708)"
  static let surveyPasses = 2
  static let surveysRows = true

  enum Preset: String, ParameterChoice { case paper, peft, mergekit }
  enum Scope: String, ParameterChoice { case matrix, adapter }

  var pruning = MagnitudePruning()
  @Parameter("Which program's rules apply where they differ.") var preset = Preset.peft
  @Parameter("Whether to trim each matrix, or all of a client together; the preset decides.")
  var scope: Scope? = nil
  var agreement = Agreement()
  var rescaling = Rescaling()

  private var rules: Rules {
    preset == .mergekit ? Rules(election: .weighted, divide: .weights) : Rules()
  }

  private var isOfAdapter: Bool { (scope ?? (preset == .paper ? .adapter : .matrix)) == .adapter }
  var rescale: Rescale { rescaling.rescale ?? rules.rescale }
  var consensus: Consensus { agreement.consensus(rules) }
  func density(of input: MergeInput) -> Double { pruning.density[input] }

  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask {
    guard isOfAdapter else { return try pruning.mask(of: input) }
    let upper = try bins(of: input, pass: 0, in: unit)
    let (kept, total) = counts(upper, density(of: input))
    guard kept < total else { return .all }
    guard kept > 0 else { return .nothing }
    let bin = MagnitudeBins.bin(of: kept, in: upper, MagnitudeBins.upperCount)
    let lower = MagnitudeBins.bin(
      of: bin.rest, in: try bins(of: input, pass: 1, in: unit), MagnitudeBins.lowerCount)
    let edge = MagnitudeBins.magnitude(upper: bin.place, lower: lower.place)
    return .between(outer: clues_cut(edge: edge, end: .max), inner: .none)
  }

  // MARK: The magnitudes of the whole adapter

  /// The bins of each pass, and a flag for whether all modules have the same density.
  var talliesPerClient: Int { isOfAdapter ? MagnitudeBins.upperCount + 1 : 0 }

  func survey(
    _ unit: MergeUnit, pass: Int, into tallies: (MergeInput) throws -> UnsafeMutableBufferPointer<UInt64>
  ) throws {
    for input in unit.inputs {
      let bins = try tallies(input)
      let elements = input.matrix.elements
      guard let start = elements.baseAddress, let bin = bins.baseAddress, !elements.isEmpty else { continue }
      bins[MagnitudeBins.upperCount] = density(of: input).bitPattern | 1 << 63
      if pass == 0 {
        clues_count_magnitudes(start, elements.count, bin)
      } else {
        let upper = try self.bins(of: input, pass: 0, in: unit)
        let (kept, total) = counts(upper, density(of: input))
        guard kept > 0, kept < total else { continue }
        let edge = MagnitudeBins.bin(of: kept, in: upper, MagnitudeBins.upperCount).place
        clues_count_magnitudes_within(start, elements.count, UInt32(edge), bin)
      }
    }
  }

  func combine(_ tallies: UnsafeMutableBufferPointer<UInt64>, with others: UnsafeBufferPointer<UInt64>, pass: Int)
    throws
  {
    let mark = MagnitudeBins.upperCount
    guard tallies[mark] == 0 || others[mark] == 0 || tallies[mark] == others[mark] else {
      throw PluginError(
        "scope: adapter trims all modules together, so a client's density cannot differ between modules",
        status: .invalidArgument)
    }
    for place in 0..<mark { tallies[place] += others[place] }
    tallies[mark] |= others[mark]
  }

  private func bins(of input: MergeInput, pass: Int, in unit: MergeUnit) throws -> UnsafePointer<UInt64> {
    try tallies(of: input, pass: pass, in: unit).baseAddress!
  }

  /// How many entries of the adapter to keep, and how many there are.
  private func counts(_ upper: UnsafePointer<UInt64>, _ density: Double) -> (kept: UInt64, total: UInt64) {
    var total: UInt64 = 0
    for place in 0..<MagnitudeBins.upperCount { total += upper[place] }
    return (UInt64(density * Double(total)), total)
  }
}
