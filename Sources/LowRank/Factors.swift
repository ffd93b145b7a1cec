import Diagnostics

/// The two factors of a low-rank matrix B·A: B is [out, r], A is [r, in]. All their numbers are finite.
public struct Factors: Sendable, Equatable {
  public let b: Matrix<Float>
  public let a: Matrix<Float>

  /// - throws: ``Failure`` `badData` if the sizes do not match, or if a number is NaN or infinite.
  public init(b: Matrix<Float>, a: Matrix<Float>) throws {
    guard b.columns == a.rows else {
      throw Failure(
        .badData, "the factors B [\(b.rows), \(b.columns)] and A [\(a.rows), \(a.columns)] differ in rank")
    }
    for (name, factor) in [("B", b), ("A", a)] where !factor.withUnsafeBufferPointer(allFinite) {
      throw Failure(
        .badData, "the factor \(name) contains NaN or infinite numbers",
        advice: "leave this adapter out, or use an earlier checkpoint of it")
    }
    self.b = b
    self.a = a
  }

  /// The rows of the matrix.
  public var out: Int { b.rows }

  /// The columns of the matrix.
  public var `in`: Int { a.columns }

  /// The inner size; the matrix's own rank may be lower.
  public var rank: Int { a.rows }
}
