import Diagnostics
import Tensors

/// Factors to be stored in a 16-bit type.
public struct RoundedFactors: Sendable {
  /// The factors as they should be stored: B·A is unchanged, but split between the two so that rounding loses little.
  public let factors: Factors

  /// Whether no number is too large for the type.
  public let isInRange: Bool

  /// ‖B′·A′ − B·A‖_F over ‖B·A‖_F, with B′ and A′ after rounding to the type; an upper bound if it is small.
  public let error: Double

  /// Whether the error is explained by rounding, without numbers that are too small or too large for the type.
  ///
  /// Rounding changes each number by at most one unit u, and a product by about 0.6 u: it cannot explain more than 4 u.
  public let isFaithful: Bool
}

extension DType {
  /// The largest relative change from rounding a number in range to this type; nil unless it has 16 bits.
  public var halfRoundoff: Double? {
    switch self {
    case .f16: 0x1p-11
    case .bf16: 0x1p-8
    default: nil
    }
  }

  /// The largest relative change of numbers that rounding explains.
  public var faithfulError: Double? { halfRoundoff.map { 4 * $0 } }
}

extension Factors {
  /// Brings the factors into the range of a 16-bit type, and says what their product loses in it.
  ///
  /// If the product would change by more than a unit, columns of B and the matching rows of A are multiplied by 2ᵏ and 2⁻ᵏ,
  /// which does not change the product, so that the largest numbers of both have similar size and neither leaves the range
  /// before the other. Only columns that lose more than rounding in range does are changed; all others keep their bits.
  ///
  /// The loss is computed from the factors; the dense product is never formed.
  ///
  /// - parameters:
  ///   - energy: ‖B·A‖²_F, if it is known.
  ///   - balancing: Whether the factors may be changed at all.
  /// - precondition: the type has 16 bits.
  public func rounded(
    to dtype: DType, energy: Double? = nil, balancing: Bool = true
  ) throws -> RoundedFactors {
    guard let unit = dtype.halfRoundoff, let tolerance = dtype.faithfulError else {
      preconditionFailure("\(dtype) has not 16 bits")
    }
    let plain = try Rounding(self, dtype)
    let best = try balancing ? plain.balanced(unit, energy: energy) ?? plain : plain
    guard best.isFinite else {
      return RoundedFactors(factors: best.factors, isInRange: false, error: .infinity, isFaithful: false)
    }
    let error = try best.error(energy: energy, sufficing: tolerance)
    return RoundedFactors(factors: best.factors, isInRange: true, error: error, isFaithful: error <= tolerance)
  }
}

/// Factors and their rounding errors.
private struct Rounding {
  let factors: Factors
  let dtype: DType
  private let b: Matrix<Float>
  private let a: Matrix<Float>
  /// For every unit of rank.
  private let columns: [Loss]
  private let rows: [Loss]

  init(_ factors: Factors, _ dtype: DType) throws {
    self.factors = factors
    self.dtype = dtype
    b = try factors.b.through(dtype)
    a = try factors.a.through(dtype)
    columns = Loss.ofColumns(factors.b, b)
    rows = Loss.ofRows(factors.a, a)
  }

  var isFinite: Bool { b.withUnsafeBufferPointer(allFinite) && a.withUnsafeBufferPointer(allFinite) }

  /// The same product, balancing those units of rank that lose more than they would in range; nil if the product loses nothing
  /// significant, or no unit would gain.
  func balanced(_ unit: Double, energy: Double?) throws -> Rounding? {
    let lossy = columns.indices.filter { !columns[$0].isWithin(unit) || !rows[$0].isWithin(unit) }
    guard !lossy.isEmpty, try !isFinite || error(energy: energy, sufficing: unit) > unit else { return nil }
    var shifts = [Int](repeating: 0, count: columns.count)
    for index in lossy { shifts[index] = shift(index) }
    guard shifts.contains(where: { $0 != 0 }) else { return nil }
    let moved = try Rounding(factors.moved(by: shifts), dtype)
    func loss(_ rounding: Rounding, _ index: Int) -> Double {
      rounding.columns[index].relative + rounding.rows[index].relative
    }
    for index in lossy where !(loss(moved, index) < loss(self, index)) { shifts[index] = 0 }
    return try shifts.contains { $0 != 0 } ? Rounding(factors.moved(by: shifts), dtype) : nil
  }

  /// The power of two for a column of B, and its inverse for the row of A, that makes their largest numbers similar.
  private func shift(_ index: Int) -> Int {
    switch (columns[index].largest, rows[index].largest) {
    case (0, 0): 0
    case (0, let a): Int(a.exponent)
    case (let b, 0): -Int(b.exponent)
    case (let b, let a): (Int(a.exponent) - Int(b.exponent)) >> 1
    }
  }

  /// ‖B′·A′ − B·A‖_F over ‖B·A‖_F; a bound on it if that is at most `enough`.
  func error(energy: Double?, sufficing enough: Double) throws -> Double {
    // B′·A′ − B·A = (B′ − B)·A + B′·(A′ − A), the sum of two matrices of rank one for every unit of rank.
    let parts = zip(columns, rows).reduce(0) { $0 + $1.0.error * $1.1.energy + $1.0.energy * $1.1.error }
    guard parts > 0 else { return 0 }
    let whole = max(0, try energy ?? roughGram([Term(factors: factors)])[0, 0])
    let bound = (2 * Double(columns.count) * parts / whole).squareRoot()
    guard !(bound <= enough) else { return bound }
    let products = try roughGram([
      Term(b: difference(b, factors.b), a: factors.a), Term(b: b, a: difference(a, factors.a)),
    ])
    let lost = products[0, 0] + products[1, 1] + 2 * products[0, 1]
    return lost > 0 ? (lost / whole).squareRoot() : 0
  }

  private func difference(_ left: Matrix<Float>, _ right: Matrix<Float>) throws -> Matrix<Float> {
    try Matrix(rows: left.rows, columns: left.columns) { target in
      left.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
          for index in target.indices { target.initializeElement(at: index, to: left[index] - right[index]) }
        }
      }
    }
  }
}

/// The rounding error of some numbers.
private struct Loss {
  /// Σ x²
  var energy = 0.0
  /// Σ (x′ − x)²
  var error = 0.0
  var largest: Float = 0

  mutating func add(_ value: Float, _ rounded: Float) {
    let difference = Double(rounded) - Double(value)
    energy += Double(value) * Double(value)
    error += difference * difference
    largest = max(largest, value.magnitude)
  }

  func isWithin(_ unit: Double) -> Bool { error <= unit * unit * energy }
  var relative: Double { error == 0 ? 0 : error / energy }

  static func ofColumns(_ matrix: Matrix<Float>, _ rounded: Matrix<Float>) -> [Loss] {
    var losses = [Loss](repeating: Loss(), count: matrix.columns)
    losses.withUnsafeMutableBufferPointer { losses in
      matrix.withUnsafeBufferPointer { values in
        rounded.withUnsafeBufferPointer { rounded in
          var index = 0
          for _ in 0..<matrix.rows {
            for column in 0..<matrix.columns {
              losses[column].add(values[index], rounded[index])
              index += 1
            }
          }
        }
      }
    }
    return losses
  }

  static func ofRows(_ matrix: Matrix<Float>, _ rounded: Matrix<Float>) -> [Loss] {
    matrix.withUnsafeBufferPointer { values in
      rounded.withUnsafeBufferPointer { rounded in
        (0..<matrix.rows).map { row in
          var loss = Loss()
          for index in row * matrix.columns..<(row + 1) * matrix.columns { loss.add(values[index], rounded[index]) }
          return loss
        }
      }
    }
  }
}

extension Factors {
  /// The same product, with column k of B times 2^shifts[k] and row k of A divided by it.
  fileprivate func moved(by shifts: [Int]) throws -> Factors {
    func scaled(_ matrix: Matrix<Float>, _ power: (_ row: Int, _ column: Int) -> Int) throws -> Matrix<Float> {
      try Matrix(rows: matrix.rows, columns: matrix.columns) { target in
        matrix.withUnsafeBufferPointer { source in
          for index in target.indices {
            let exponent = power(index / matrix.columns, index % matrix.columns)
            let value = Double(sign: .plus, exponent: exponent, significand: Double(source[index]))
            target.initializeElement(at: index, to: Float(value))
          }
        }
      }
    }
    return try Factors(b: scaled(b) { shifts[$1] }, a: scaled(a) { row, _ in -shifts[row] })
  }
}

extension Matrix<Float> {
  /// The numbers after conversion to another type and back.
  fileprivate func through(_ dtype: DType) throws -> Matrix {
    let stored = Tensor(elements, shape: [rows, columns], dtype: dtype)
    return try Matrix(rows: rows, columns: columns) { target in
      if let start = target.baseAddress { try stored.load(0..<stored.count, into: start) }
    }
  }
}

/// The error of converting numbers to another type and back, in Euclidean norm: ‖x′ − x‖ over ‖x‖.
///
/// Infinite if one is too large for it, 0 if all numbers are zero.
public func roundingError(of values: [Float], in dtype: DType) throws -> Double {
  let rounded = try Tensor(values, shape: [values.count], dtype: dtype).floats()
  var loss = Loss()
  for (value, rounded) in zip(values, rounded) { loss.add(value, rounded) }
  return loss.relative.squareRoot()
}
