import Tensors

@testable import LowRank

/// A matrix as nested loops see it: the plainest possible float64 calculation to compare with.
struct Plain: Equatable {
  var rows: Int
  var columns: Int
  var values: [Double]

  init(rows: Int, columns: Int, _ entry: (Int, Int) -> Double) {
    self.rows = rows
    self.columns = columns
    values = (0..<rows * columns).map { entry($0 / columns, $0 % columns) }
  }

  init<Scalar>(_ matrix: Matrix<Scalar>) {
    self.init(rows: matrix.rows, columns: matrix.columns) { Double(matrix[$0, $1]) }
  }

  /// Σ c·B·A.
  init(_ terms: [Term]) {
    self.init(rows: terms[0].factors.out, columns: terms[0].factors.in) { row, column in
      terms.reduce(0) { sum, term in
        sum
          + term.coefficient
          * (0..<term.rank).reduce(0) { $0 + Double(term.b[row, $1]) * Double(term.a[$1, column]) }
      }
    }
  }

  init(_ factors: Factors) throws { self.init([try Term(factors: factors)]) }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  var transposed: Plain { Plain(rows: columns, columns: rows) { self[$1, $0] } }
  var energy: Double { values.reduce(0) { $0 + $1 * $1 } }

  static func * (left: Plain, right: Plain) -> Plain {
    Plain(rows: left.rows, columns: right.columns) { row, column in
      (0..<left.columns).reduce(0) { $0 + left[row, $1] * right[$1, column] }
    }
  }

  static func - (left: Plain, right: Plain) -> Plain {
    Plain(rows: left.rows, columns: left.columns) { left[$0, $1] - right[$0, $1] }
  }

  /// ‖self − other‖ over ‖other‖, in Frobenius norms.
  func relativeError(to other: Plain) -> Double {
    ((self - other).energy / max(other.energy, .leastNormalMagnitude)).squareRoot()
  }

  /// By one-sided Jacobi rotations, which share nothing with LAPACK's method; largest first.
  var singularValues: [Double] {
    var work = rows >= columns ? self : transposed
    for _ in 0..<60 {
      var turned = false
      for p in 0..<work.columns {
        for q in p + 1..<max(work.columns, p + 1) {
          var (alpha, beta, gamma) = (0.0, 0.0, 0.0)
          for row in 0..<work.rows {
            alpha += work[row, p] * work[row, p]
            beta += work[row, q] * work[row, q]
            gamma += work[row, p] * work[row, q]
          }
          guard abs(gamma) > 1e-15 * (alpha * beta).squareRoot(), gamma != 0 else { continue }
          turned = true
          let zeta = (beta - alpha) / (2 * gamma)
          let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          for row in 0..<work.rows {
            let (x, y) = (work[row, p], work[row, q])
            work[row, p] = cosine * (x - tangent * y)
            work[row, q] = cosine * (tangent * x + y)
          }
        }
      }
      if !turned { break }
    }
    let norms = (0..<work.columns).map { column in
      (0..<work.rows).reduce(0) { $0 + work[$1, column] * work[$1, column] }.squareRoot()
    }
    return norms.sorted(by: >)
  }
}

/// Uniform numbers between −1 and 1, the same in every run.
func randomMatrix(_ rows: Int, _ columns: Int, seed: UInt64) throws -> Matrix<Float> {
  let stream = RandomStream(seed: seed, "test")
  let words = [UInt64](unsafeUninitializedCapacity: rows * columns) { target, count in
    stream.fill(UnsafeMutableBufferPointer(rebasing: target[..<(rows * columns)]), from: 0)
    count = rows * columns
  }
  return try Matrix(rows: rows, columns: columns, words.map { Float(Int64(bitPattern: $0) >> 40) * 0x1p-23 })
}

func randomTerm(out: Int, in columns: Int, rank: Int, coefficient: Double = 1, seed: UInt64) throws -> Term {
  try Term(
    coefficient: coefficient, b: randomMatrix(out, rank, seed: 2 * seed),
    a: randomMatrix(rank, columns, seed: 2 * seed + 1))
}

/// Terms of different ranks and coefficients, one of them negative.
func randomTerms(out: Int, in columns: Int, ranks: [Int], seed: UInt64 = 1) throws -> [Term] {
  try ranks.enumerated().map { index, rank in
    try randomTerm(
      out: out, in: columns, rank: rank, coefficient: [1, 0.5, -0.75, 2][index % 4], seed: seed &* 100 + UInt64(index))
  }
}

/// The same ΔW, split otherwise: B·G and G⁻¹·A. G has powers of two only, so that float32 holds both exactly.
func regauged(_ term: Term) throws -> Term {
  let r = term.rank
  // The columns in reverse order, each scaled; then column 0 is added to the last.
  var b = try Matrix<Float>(rows: term.factors.out, columns: r)
  var a = try Matrix<Float>(rows: r, columns: term.factors.in)
  for unit in 0..<r {
    let scale = Float(sign: unit % 2 == 0 ? .plus : .minus, exponent: unit % 5 - 2, significand: 1)
    for row in 0..<b.rows { b[row, r - 1 - unit] = term.b[row, unit] * scale }
    for column in 0..<a.columns { a[r - 1 - unit, column] = term.a[unit, column] / scale }
  }
  if r > 1 {
    for row in 0..<b.rows { b[row, r - 1] += b[row, 0] }
    for column in 0..<a.columns { a[0, column] -= a[r - 1, column] }
  }
  return try Term(coefficient: term.coefficient, b: b, a: a)
}

/// The bits, which tell what `==` does not: the sign of zero.
func bits(_ matrix: Matrix<Float>) -> [UInt32] { matrix.elements.map(\.bitPattern) }
func bits(_ compression: Compression) -> [UInt32] { bits(compression.factors.b) + bits(compression.factors.a) }
func bits(_ matrix: Matrix<Double>) -> [UInt64] { matrix.elements.map(\.bitPattern) }
