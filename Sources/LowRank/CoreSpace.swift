import Diagnostics

/// A small space that holds all terms of a module without loss, and in which any merge method can work.
///
/// With orthonormal U [out, R₁] and V [in, R₂] that span the columns and the rows of all the ΔW, a term is the core
/// M = Uᵀ·ΔW·V and ΔW = U·M·Vᵀ exactly (Core Space, arXiv 2509.17786). R₁ and R₂ are at most Σ r.
///
/// A method that looks at single entries depends on the basis, and losslessness determines the basis only up to a rotation. The paper takes the singular vectors of the stacked B's and of the stacked A's. These
/// depend on how a client's ΔW is split: (B·G, G⁻¹·A) is the same adapter, but has another basis. Here the columns of U are
/// the eigenvectors of Σ ΔW·ΔWᵀ and those of V of Σ ΔWᵀ·ΔW, by falling eigenvalue, each with its largest entry positive. The
/// span is the same, without what no ΔW uses, so nothing is lost; and neither the split nor the order of the clients changes
/// the cores, beyond rounding. If eigenvalues coincide, the basis is arbitrary, and any is as good.
///
/// Directions whose singular value is at most max(out, in, Σ r)·2⁻⁵² of the largest are rounding, and dropped.
public struct CoreSpace: Sendable {
  /// Uᵀ, [R₁, out], with orthonormal rows.
  public let left: Matrix<Double>

  /// Vᵀ, [R₂, in], with orthonormal rows.
  public let right: Matrix<Double>

  /// The space of some terms; their coefficients count.
  ///
  /// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, or when a decomposition fails.
  public init(_ terms: [Term]) throws {
    let (out, columns) = try commonSize(of: terms)
    var columnSpace: [Matrix<Double>] = []
    var rowSpace: [Matrix<Double>] = []
    for term in canonicalOrder(terms) {
      // With A = L·Q, ΔW·ΔWᵀ = (c·B·L)·(c·B·L)ᵀ: what is left of A is its size in each direction, and no gauge.
      let (b, a) = try stackedRows([term])
      columnSpace.append(try product(RowFactorization(a).lower.whole.transposed, b.whole))
      rowSpace.append(try product(RowFactorization(b).lower.whole.transposed, a.whole))
    }
    let longest = max(out, columns)
    left = try principalRows(of: columnSpace, width: out, longestSide: longest)
    right = try principalRows(of: rowSpace, width: columns, longestSide: longest)
  }

  /// M = Uᵀ·c·B·A·V, [R₁, R₂]; lossless for the terms that the space was made of, a projection for others.
  ///
  /// - throws: ``Failure`` `badData` when the term is of another size.
  public func project(_ term: Term) throws -> Matrix<Double> {
    guard (term.factors.out, term.factors.in) == (left.columns, right.columns) else {
      throw Failure(
        .badData,
        "shape mismatch: a delta of \(term.factors.out) × \(term.factors.in) in a space of \(left.columns) × \(right.columns)"
      )
    }
    let (b, a) = try stackedRows([term])
    return try product(
      product(left.whole, b.whole.transposed).whole, product(a.whole, right.whole.transposed).whole)
  }

  /// The best factors of U·M·Vᵀ of a given rank; ``Rank/full`` keeps every direction that is more than rounding.
  ///
  /// - throws: ``Failure`` `badData` when M is not [R₁, R₂], when a number is not finite or leaves the range of float32, or
  ///   when the decomposition does not converge; `usage` for an invalid rank.
  public func lift(_ core: Matrix<Double>, to rank: Rank) throws -> Compression {
    try rank.validate()
    guard (core.rows, core.columns) == (left.rows, right.rows) else {
      throw Failure(
        .badData, "shape mismatch: a core of \(core.rows) × \(core.columns) in a space of \(left.rows) × \(right.rows)")
    }
    return try truncate(
      core: core, left: .rows(left), right: .rows(right), longestSide: max(left.columns, right.columns), to: rank)
  }
}

/// The right singular vectors of stacked blocks of rows, strongest first, as rows with their largest entry positive.
private func principalRows(of blocks: [Matrix<Double>], width: Int, longestSide: Int) throws -> Matrix<Double> {
  let stacked = try Matrix<Double>(rows: blocks.reduce(0) { $0 + $1.rows }, columns: width) { target in
    var top = 0
    for block in blocks {
      block.withUnsafeBufferPointer { source in
        _ = UnsafeMutableBufferPointer(rebasing: target[top * width..<(top + block.rows) * width])
          .initialize(fromContentsOf: source)
      }
      top += block.rows
    }
  }
  let factorization = try RowFactorization(stacked)
  let decomposition = try SingularValueDecomposition(factorization.lower, longestSide: longestSide)
  let kept = decomposition.values.count { $0 > 0 }
  var rows = try factorization.expand(decomposition.right.prefix(rows: kept))
  flipRows(of: &rows)
  return rows
}
