import LowRank
import PluginKit
import Tensors

/// TIES on the clients' updates in a common basis of outputs.
struct KnOTS: MergeMethod {
  static let id = "knots"
  static let summary =
    "Brings the updates into a common basis of output directions, which aligns clients, and merges them by TIES."
  static let details = """
    The singular value decomposition [ΔW₁ … ΔWₙ] = U·S·[V₁ … Vₙ] of the updates side by side gives each client a piece \
    S·Vᵢ, [rank, inputs], with ΔWᵢ = U·S·Vᵢ. The pieces are trimmed, elected and merged as in ties (scope: matrix; see \
    there for density, elect, election, divide and lambda; by default election is unweighted and divide is count), and U \
    maps the result back. In space core the columns of the pieces are those of the core instead of the inputs.

    A plain average of the pieces would equal that of the updates: use average.
    """
  static let reference = "Stoica et al. 2024, Model merging with SVD to tie the KnOTS (arXiv 2410.19735)"
  static let spaces: Set<MergeSpace> = [.core, .delta]

  var pruning = MagnitudePruning()
  var agreement = Agreement()

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    let (rows, columns, count) = (output.rows, output.columns, unit.inputs.count)
    let together = try Matrix<Float>(rows: rows, columns: columns * count) { target in
      for row in 0..<rows {
        for (index, input) in unit.inputs.enumerated() {
          let line = input.matrix.elements[row * columns..<(row + 1) * columns]
          let start = (row * count + index) * columns
          _ = UnsafeMutableBufferPointer(rebasing: target[start..<start + columns]).initialize(fromContentsOf: line)
        }
      }
    }
    let directions = try SingularDirections(of: together, stream: RandomStream(key: unit.inputs[0].stream))
    let rank = directions.values.count
    let pieces = try (0..<count).map { index in
      try Matrix<Float>(rows: rank, columns: columns) { target in
        directions.right.withUnsafeBufferPointer { source in
          for (row, value) in directions.values.enumerated() {
            for column in 0..<columns {
              target[row * columns + column] = Float(value * Double(source[(row * count + index) * columns + column]))
            }
          }
        }
      }
    }
    var merged = try Matrix<Float>(rows: rank, columns: columns)
    try merged.withUnsafeMutableBufferPointer { target in
      try withBuffers(of: pieces[...]) { buffers in
        let candidates = zip(unit.inputs, buffers).map { input, elements in
          let kept = Int(pruning.density[input] * Double(elements.count))
          let matrix = MaskedMatrix(
            elements: elements, columns: columns, mask: pruning.mask(of: elements, first: kept), host: unit.host)
          return Candidate(matrix: matrix, scale: 1, weight: input.weight)
        }
        try agreement.consensus(Rules()).merge(candidates, rows: rank, columns: columns, into: target, host: unit.host)
      }
    }
    try delta(of: [Term(b: directions.left, a: merged)]).withUnsafeBufferPointer {
      _ = output.elements.update(fromContentsOf: $0)
    }
  }

  private func withBuffers(
    of matrices: ArraySlice<Matrix<Float>>, _ buffers: [UnsafeBufferPointer<Float>] = [],
    _ body: ([UnsafeBufferPointer<Float>]) throws -> Void
  ) rethrows {
    guard let first = matrices.first else { return try body(buffers) }
    try first.withUnsafeBufferPointer { try withBuffers(of: matrices.dropFirst(), buffers + [$0], body) }
  }
}
