/// Orthonormal rows [t, width] in one of several forms.
enum OrthonormalRows {
  /// The unit vectors.
  case unit
  case rows(Matrix<Double>)
  case reflections(RowFactorization)

  /// Y·Q, [k, width], for Y [k, t].
  func expand(_ combinations: Matrix<Double>) throws -> Matrix<Double> {
    switch self {
    case .unit: combinations
    case .rows(let rows): try product(combinations.whole, rows.whole)
    case .reflections(let factorization): try factorization.expand(combinations)
    }
  }
}

/// The best factors of L·X·R, where L has the rows of `left` as columns, X is a small core, and R is `right`.
///
/// By Eckart and Young these are the leading singular directions of the core, mapped to the large space.
///
/// - parameter energy: ‖·‖²_F of what the core represents, if the core is only a part of it.
func truncate(
  core: consuming Matrix<Double>, left: OrthonormalRows, right: OrthonormalRows, longestSide: Int, to rank: Rank,
  energy: Double? = nil, shortfall: Double = 0
) throws -> Compression {
  let decomposition = try SingularValueDecomposition(core, longestSide: longestSide)
  let values = decomposition.values
  let count = rank.count(keeping: values)
  let roots = values.prefix(count).map { $0.squareRoot() }
  var b = try left.expand(scaled(decomposition.left, by: roots, rows: count))
  var a = try right.expand(scaled(decomposition.right, by: roots, rows: count))
  fixSigns(leading: &b, following: &a)
  let tails = tailEnergies(values)
  let whole = energy ?? tails[0]
  return Compression(
    factors: try Factors(b: b.narrowedAndTransposed(), a: a.narrowed()), energy: whole,
    discardedEnergy: energy == nil
      ? tails[min(count, values.count)] : max(0, whole - (tails[0] - tails[min(count, values.count)])),
    singularValues: energy == nil ? values : Array(values.prefix(count)), shortfall: shortfall)
}

/// The first rows, each times its factor; missing rows are zeros.
private func scaled(_ matrix: Matrix<Double>, by factors: [Double], rows: Int) throws -> Matrix<Double> {
  let columns = matrix.columns
  return try Matrix(rows: rows, columns: columns) { target in
    target.initialize(repeating: 0)
    matrix.withUnsafeBufferPointer { source in
      for (row, factor) in factors.enumerated() {
        for index in row * columns..<(row + 1) * columns { target[index] = source[index] * factor }
      }
    }
  }
}

/// Flips the sign of every pair of rows so that the largest entry of the leading one, the first of equals, is positive.
func fixSigns(leading: inout Matrix<Double>, following: inout Matrix<Double>) {
  let flipped = flipRows(of: &leading)
  let columns = following.columns
  following.withUnsafeMutableBufferPointer { numbers in
    for row in flipped {
      for index in row * columns..<(row + 1) * columns { numbers[index] = -numbers[index] }
    }
  }
}

/// Flips the sign of every row so that its largest entry, the first of equals, is positive; returns the flipped rows.
@discardableResult
func flipRows(of matrix: inout Matrix<Double>) -> [Int] {
  let (rows, columns) = (matrix.rows, matrix.columns)
  return matrix.withUnsafeMutableBufferPointer { numbers in
    (0..<rows).filter { row in
      var largest = 0.0
      for index in row * columns..<(row + 1) * columns where abs(numbers[index]) > abs(largest) {
        largest = numbers[index]
      }
      guard largest < 0 else { return false }
      for index in row * columns..<(row + 1) * columns { numbers[index] = -numbers[index] }
      return true
    }
  }
}
