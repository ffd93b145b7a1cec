import Foundation
import Tensors
import Testing

@testable import LowRank

/// Factors survive types of 16 bits, or it is known that they do not.
@Suite struct RoundedFactorsTests {
  static let halves: [DType] = [.f16, .bf16]

  /// B·A, with column k of B times 2^shifts[k] and row k of A divided by it.
  static func factors(out: Int = 40, in columns: Int = 30, shifts: [Int], scale: Int = 0, seed: UInt64 = 1) throws
    -> Factors
  {
    let b = try randomMatrix(out, shifts.count, seed: seed)
    let a = try randomMatrix(shifts.count, columns, seed: seed + 1)
    func moved(_ matrix: Matrix<Float>, _ power: (Int, Int) -> Int) throws -> Matrix<Float> {
      try Matrix(
        rows: matrix.rows, columns: matrix.columns,
        (0..<matrix.count).map {
          Float(scalbn(Double(matrix.elements[$0]), power($0 / matrix.columns, $0 % matrix.columns)))
        })
    }
    return try Factors(b: moved(b) { scale + shifts[$1] }, a: moved(a) { row, _ in -shifts[row] })
  }

  static func through(_ matrix: Matrix<Float>, _ dtype: DType) throws -> Matrix<Float> {
    try Matrix(
      rows: matrix.rows, columns: matrix.columns,
      Tensor(matrix.elements, shape: [matrix.count], dtype: dtype).floats())
  }

  /// The relative error of the stored product, by plain loops in float64.
  static func error(_ stored: Factors, of meant: Factors, _ dtype: DType) throws -> Double {
    try Plain(Factors(b: through(stored.b, dtype), a: through(stored.a, dtype))).relativeError(to: Plain(meant))
  }

  @Test(arguments: halves) func whatFitsKeepsItsBits(_ dtype: DType) throws {
    let factors = try Self.factors(shifts: [0, 1, -2, 3])
    let rounded = try factors.rounded(to: dtype)
    #expect(rounded.isFaithful && rounded.isInRange)
    #expect(bits(rounded.factors.b) == bits(factors.b) && bits(rounded.factors.a) == bits(factors.a))
  }

  /// Many clients make B small (c/n·B), or a large alpha makes it huge, while A stays as it was.
  @Test(arguments: [-30, -20, -16, 18, 30]) func oneSideOutOfRangeIsSpreadOverBoth(_ shift: Int) throws {
    let factors = try Self.factors(shifts: [shift, shift, 0, shift / 2])
    let rounded = try factors.rounded(to: .f16)
    #expect(rounded.isInRange && rounded.isFaithful)
    let error = try Self.error(rounded.factors, of: factors, .f16)
    #expect(error < 0.0005)
    // As they were, numbers are lost, or are infinite.
    let before = (try? Self.error(factors, of: factors, .f16)) ?? .infinity
    #expect(before > 1.5 * error)
    // What was split otherwise is the same product to the bit, and what fitted is as it was.
    #expect(try Plain(rounded.factors).relativeError(to: Plain(factors)) == 0)
    #expect((0..<40).allSatisfy { rounded.factors.b[$0, 2] == factors.b[$0, 2] })
  }

  /// The weakest directions of a compressed sum are small on both sides, and count for nothing.
  @Test func whatCountsForNothingKeepsItsBits() throws {
    let strong = try Self.factors(shifts: [0, 1])
    let weak = try Self.factors(shifts: [-3], scale: -40, seed: 7)
    let factors = try stack([Term(factors: strong), Term(factors: weak)])
    let rounded = try factors.rounded(to: .f16)
    #expect(rounded.isFaithful)
    #expect(bits(rounded.factors.b) == bits(factors.b) && bits(rounded.factors.a) == bits(factors.a))
  }

  @Test(arguments: [-100, -60, 0, 60]) func bfloat16HasTheRangeOfFloat32(_ shift: Int) throws {
    let factors = try Self.factors(shifts: [shift, shift / 2])
    let rounded = try factors.rounded(to: .bf16)
    #expect(rounded.isFaithful)
    #expect(bits(rounded.factors.b) == bits(factors.b))
  }

  /// No split helps where the update itself is beyond the type.
  @Test func updatesThatAreTooSmallAreTold() throws {
    let factors = try Self.factors(shifts: [0, 0], scale: -44)
    let rounded = try factors.rounded(to: .f16)
    #expect(!rounded.isFaithful && rounded.isInRange)
    let error = try Self.error(rounded.factors, of: factors, .f16)
    #expect(abs(rounded.error - error) < 0.01 * error, "\(rounded.error) is not \(error)")
  }

  @Test func updatesThatAreTooLargeAreTold() throws {
    let rounded = try Self.factors(shifts: [0, 0], scale: 40).rounded(to: .f16)
    #expect(!rounded.isInRange && !rounded.isFaithful)
  }

  /// Clients that all but cancel leave less than rounding takes from their factors.
  @Test(arguments: halves) func whatCancelsIsTold(_ dtype: DType) throws {
    let b = try randomMatrix(40, 2, seed: 5)
    let almost = try Matrix<Float>(rows: 40, columns: 2, b.elements.map { -$0 * (1 + 1e-4) })
    let a = try randomMatrix(2, 30, seed: 6)
    let factors = try stack([Term(b: b, a: a), Term(b: almost, a: a)])
    let rounded = try factors.rounded(to: dtype)
    #expect(!rounded.isFaithful)
    let error = try Self.error(rounded.factors, of: factors, dtype)
    #expect(error > 0.1)
    #expect(abs(rounded.error - error) < 0.05 * error, "\(rounded.error) is not \(error)")
  }

  @Test(arguments: halves) func whatIsToldIsNeverLessThanTheError(_ dtype: DType) throws {
    for seed in 1...20 as ClosedRange<UInt64> {
      let shifts = (0..<Int(seed % 5 + 1)).map { Int(seed) * ($0 + 3) % 29 - 14 }
      let factors = try Self.factors(shifts: shifts, scale: -Int(seed), seed: seed * 10)
      let rounded = try factors.rounded(to: dtype)
      #expect(rounded.error >= 0.98 * (try Self.error(rounded.factors, of: factors, dtype)), "seed \(seed)")
    }
  }

  @Test(arguments: halves) func zerosAreStored(_ dtype: DType) throws {
    let zero = try Factors(b: Matrix(rows: 3, columns: 2), a: randomMatrix(2, 4, seed: 1))
    #expect(try zero.rounded(to: dtype).error == 0)
    // A column that is too large, but counts for nothing.
    let idle = try Factors(b: Matrix(rows: 1, columns: 1, [1e6]), a: Matrix(rows: 1, columns: 2))
    #expect(try idle.rounded(to: dtype).isFaithful)
  }

  @Test func vectorsAreComparedByTheirNorm() throws {
    #expect(try roundingError(of: [0, 0], in: .f16) == 0)
    #expect(try roundingError(of: [1e-9, -2e-9], in: .f16) == 1)
    #expect(try roundingError(of: [1e-9, 1], in: .f16) < 1e-8)
    #expect(try roundingError(of: [1e6], in: .f16) == .infinity)
    #expect(try roundingError(of: [1.001, 0.3], in: .bf16) < 0x1p-8)
  }
}
