import CKernels
import PluginKit

/// The weighted mean of every entry without the extreme values.
struct TrimmedMean: EntrywiseMergeMethod {
  static let id = "trimmed-mean"
  static let summary = "The weighted mean of the clients without the largest and the smallest values, entry by entry."
  static let details = """
    At each entry, the ⌊beta·n⌋ smallest and as many of the largest of the n clients' values are left out; the result is \
    the weighted mean of the others, Σ wᵢ xᵢ / Σ wᵢ. Weights do not affect how many are left out. A client of weight 0 is \
    left out from the start, and negative weights are refused. Of equal values at the boundary, those of the first names \
    count as smaller.

    There is no trimmed mean of A and B separately, because it would depend on how each client happens to split its update.
    """
  static let reference =
    "Yin et al. 2018, Byzantine-Robust Distributed Learning (arXiv 1803.01498); Flower FedTrimmedAvg"
  static let spaces: Set<MergeSpace> = [.core, .delta]

  @Parameter("The share of clients to leave out at either end, below one half.", in: 0...0.499_999) var beta = 0.2

  func merge(_ unit: MergeUnit, rows firstRow: Int, notes: [NoNote], into output: MutableMatrixView) throws {
    let columns = try SortedColumns(unit)
    let cut = Int(beta * Double(columns.inputs.count))
    try columns.forEachTile(of: output) { values, order, count, target in
      clues_trimmed_mean(values, order, columns.weights, columns.inputs.count, count, cut, target)
    }
  }
}
