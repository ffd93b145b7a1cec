import PluginKit

/// Trim, elect sign, merge: of each client the largest entries, per entry the clients that agree with the majority.
struct Ties: MergeMethod {
  static let id = "ties"
  static let summary = "Trims each update, elects a sign for every entry and averages the clients that agree with it."
  static let details = """
    1. Trim: of each client's matrix the share `density` of the entries with the largest magnitude is kept, the rest is \
    zero; of equal magnitudes at the edge the first ones stay.
    2. Elect: the sign of every entry is that of the sum of the clients' trimmed entries (elect: total), or of the count \
    of their signs (elect: frequency), weighted by the merge weights or not (election: weighted). A tie elects plus.
    3. Merge: the entries with the elected sign are summed, times their weights, and divided by their number \
    (divide: count) or by the sum of their weights (divide: weights). Then everything is multiplied by lambda.

    With divide: count the weights scale the result: equal weights should be 1, not 1/n.
    """
  static let reference =
    "Yadav et al. 2023, TIES-Merging: Resolving Interference When Merging Models (arXiv 2306.01708)"
  static let defaultSpace = CLUES_SPACE_DELTA

  enum Elect: String, ParameterChoice { case total, frequency }
  enum Election: String, ParameterChoice { case unweighted, weighted }
  enum Divide: String, ParameterChoice { case count, weights }

  @Parameter("The share of each client's entries that is kept.", in: 0...1) var density: PerInput = 0.2
  @Parameter("Whether magnitudes (total) or signs alone (frequency) are summed for the election.") var elect = Elect
    .total
  @Parameter("Whether the merge weights count in the election.") var election = Election.unweighted
  @Parameter("What the sum of the agreeing entries is divided by.") var divide = Divide.count
  @Parameter("A factor for the whole result.") var lambda = 1.0

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    let inputs = unit.inputs.enumerated().map { place, input in
      trimmed(input.matrix.elements, density: density[place])
    }
    try unit.host.checkCancellation()
    let weights = unit.inputs.map(\.weight)
    for entry in output.elements.indices {
      var votes = 0.0
      for (input, weight) in zip(inputs, weights) {
        let vote = elect == .total ? Double(input[entry]) : sign(input[entry])
        votes += election == .weighted ? weight * vote : vote
      }
      let elected = votes < 0 ? -1.0 : 1.0
      var sum = 0.0
      var divisor = 0.0
      for (input, weight) in zip(inputs, weights) where sign(input[entry]) == elected {
        sum += weight * Double(input[entry])
        divisor += divide == .count ? 1 : weight
      }
      output.elements[entry] = divisor == 0 ? 0 : Float(lambda * sum / divisor)
    }
  }

  /// The matrix with all but the largest `density` of its entries set to zero; k = ⌊density·n⌋, as PEFT counts.
  private func trimmed(_ elements: UnsafeBufferPointer<Float>, density: Double) -> [Float] {
    let kept = Int(density * Double(elements.count))
    guard kept < elements.count else { return Array(elements) }
    guard kept > 0 else { return [Float](repeating: 0, count: elements.count) }
    let edge = elements.map { $0.magnitude }.sorted(by: >)[kept - 1]
    var room = kept - elements.lazy.filter { $0.magnitude > edge }.count
    return elements.map { element in
      if element.magnitude > edge { return element }
      guard element.magnitude == edge, room > 0 else { return 0 }
      room -= 1
      return element
    }
  }

  private func sign(_ value: Float) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }
}

private let library = PluginLibrary(
  "ties", version: "1.0.0", vendor: "Clues", license: "Apache-2.0", mergeMethods: [Ties.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
