import CKernels
import PluginKit

/// The weighted median of every entry.
struct Median: EntrywiseMergeMethod {
  static let id = "median"
  static let summary = "The weighted median of the clients, entry by entry."
  static let details = """
    The clients' values at an entry are sorted, and the result is the value at which half of the total weight is reached; \
    if that is exactly between two values, their mean. With equal weights this is the ordinary median: the middle value, \
    or the mean of the two middle ones. Only the relation of the weights matters; a client of weight 0 is left out, and \
    negative weights are refused.

    There is no median of A and B separately, because it would depend on how each client happens to split its update.
    """
  static let reference = "Yin et al. 2018, Byzantine-Robust Distributed Learning (arXiv 1803.01498); Flower FedMedian"
  static let spaces: Set<MergeSpace> = [.core, .delta]

  func merge(_ unit: MergeUnit, rows firstRow: Int, notes: [NoNote], into output: MutableMatrixView) throws {
    let columns = try SortedColumns(unit)
    try columns.forEachTile(of: output) { values, order, count, target in
      clues_median(values, order, columns.weights, columns.inputs.count, count, target)
    }
  }
}
