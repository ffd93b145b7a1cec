import CKernels
import PluginKit

/// Select, calculate, erase: the entries in which clients differ most, weighted by how much each client has there.
struct SCE: RowwiseMergeMethod {
  static let id = "sce"
  static let summary =
    "Keeps the entries in which the clients differ most, and weights the clients by their magnitude there."
  static let details = """
    1. Select: of the entries whose variance across clients is not zero, the share `select_topk` with the largest variance \
    is kept, ⌊share·number⌋ of them, the same in all clients; of equal variances at the boundary the first ones are kept. \
    select_topk: 1 keeps all entries.

    2. Calculate: a client's weight is its sum of squares over the kept entries, divided by that of all clients; weights are \
    equal if all sums are zero.

    3. Erase: the sign of every entry is that of the clients' sum, and the entries with that sign are averaged with these \
    weights.

    The method computes its own weights, so those of the merge must be equal. The numbers are mergekit's, except that its \
    sums are in float32.
    """
  static let reference = "Wan et al. 2024, FuseChat: Knowledge Fusion of Chat Models (arXiv 2408.07990)"
  static let spaces: Set<MergeSpace> = [.core, .delta]

  @Parameter("The share of the entries with variance to keep.", in: 0...1) var selectTopk = 1.0

  static let readsRows = true

  /// Which entries are kept depends on all clients together.
  var mergesRows: Bool { selectTopk >= 1 }

  /// The sum of squares of a client all of whose entries are kept.
  func note(_ input: MergeInput, in unit: MergeUnit) throws -> Double {
    var sum = 0.0
    try forEachPiece(of: input.rows) { _, elements in
      for element in elements { sum += Double(element) * Double(element) }
    }
    return sum
  }

  func merge(_ unit: MergeUnit, rows firstRow: Int, notes squares: [Double], into output: MutableMatrixView) throws {
    let matrices = unit.inputs.map {
      MaskedMatrix(
        elements: $0.matrix.elements, columns: output.columns, firstRow: firstRow, mask: .all, host: unit.host)
    }
    try merge(unit, matrices, squares, into: output)
  }

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    guard !mergesRows else {
      return try merge(unit, rows: 0, notes: unit.inputs.map { try note($0, in: unit) }, into: output)
    }
    let (mask, variances) = selected(unit)
    try variances.withUnsafeBufferPointer { try merge(unit, into: output, mask, keys: $0) }
  }

  private func merge(
    _ unit: MergeUnit, into output: MutableMatrixView, _ mask: Mask, keys: UnsafeBufferPointer<Float>
  ) throws {
    let matrices = unit.inputs.map {
      MaskedMatrix(elements: $0.matrix.elements, columns: output.columns, mask: mask, keys: keys, host: unit.host)
    }
    let squares = try matrices.map { matrix in
      var sum = 0.0
      try forEachTile(of: output.rows, columns: output.columns, inputs: 1, host: unit.host) { lines, scratch in
        let kept = matrix.rows(lines, scratch: scratch)
        for index in 0..<lines.count * output.columns { sum += Double(kept[index]) * Double(kept[index]) }
      }
      return sum
    }
    try merge(unit, matrices, squares, into: output)
  }

  private func merge(
    _ unit: MergeUnit, _ matrices: [MaskedMatrix], _ squares: [Double], into output: MutableMatrixView
  ) throws {
    guard Set(unit.inputs.map(\.weight)).count <= 1 else {
      throw PluginError("the weights differ, but SCE computes its own; omit them or use another method")
    }
    let total = squares.reduce(0, +)
    let candidates = zip(matrices, squares).map { matrix, square in
      Candidate(matrix: matrix, scale: 1, weight: total > 0 ? square / total : 1 / Double(squares.count))
    }
    try Consensus.agreement(elect: .total, election: .unweighted, divide: .weights, lambda: 1).merge(
      candidates, rows: output.rows, columns: output.columns, into: output.elements, host: unit.host)
  }

  /// The kept entries, and the variances that determine them.
  private func selected(_ unit: MergeUnit) -> (mask: Mask, variances: [Float]) {
    let inputs = unit.inputs.map(\.matrix.elements)
    let count = Double(inputs.count)
    let variances = inputs[0].indices.map { index in
      var mean = 0.0
      for input in inputs { mean += Double(input[index]) }
      mean /= count
      var sum = 0.0
      for input in inputs { sum += (Double(input[index]) - mean) * (Double(input[index]) - mean) }
      return Float(sum / count)
    }
    let kept = Int(selectTopk * Double(variances.count { $0 > 0 }))
    guard kept > 0 else { return (.nothing, []) }
    let cut = variances.withUnsafeBufferPointer { clues_cut(first: kept, of: $0) }
    return (.between(outer: cut, inner: .none), variances)
  }
}
