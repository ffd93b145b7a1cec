import COpenBLAS
import Diagnostics

/// The scalars of matrices: `Float`, in which adapters are stored, and `Double`, in which Clues computes.
public protocol LinearAlgebraScalar: BinaryFloatingPoint & BitwiseCopyable & Sendable {
  /// BLAS `gemm` on row-major matrices: C [m, n] = A [m, k] · B [k, n], plus C if `accumulating`.
  static func gemm(
    transposing: (a: Bool, b: Bool), m: Int32, n: Int32, k: Int32, a: UnsafePointer<Self>, aStride: Int32,
    b: UnsafePointer<Self>, bStride: Int32, accumulating: Bool, c: UnsafeMutablePointer<Self>, cStride: Int32)
}

extension Float: LinearAlgebraScalar {
  public static func gemm(
    transposing: (a: Bool, b: Bool), m: Int32, n: Int32, k: Int32, a: UnsafePointer<Float>, aStride: Int32,
    b: UnsafePointer<Float>, bStride: Int32, accumulating: Bool, c: UnsafeMutablePointer<Float>, cStride: Int32
  ) {
    OpenBLAS.prepare()
    cblas_sgemm(
      CblasRowMajor, transposing.a ? CblasTrans : CblasNoTrans, transposing.b ? CblasTrans : CblasNoTrans, m, n, k, 1,
      a, aStride, b, bStride, accumulating ? 1 : 0, c, cStride)
  }
}

extension Double: LinearAlgebraScalar {
  public static func gemm(
    transposing: (a: Bool, b: Bool), m: Int32, n: Int32, k: Int32, a: UnsafePointer<Double>, aStride: Int32,
    b: UnsafePointer<Double>, bStride: Int32, accumulating: Bool, c: UnsafeMutablePointer<Double>, cStride: Int32
  ) {
    OpenBLAS.prepare()
    cblas_dgemm(
      CblasRowMajor, transposing.a ? CblasTrans : CblasNoTrans, transposing.b ? CblasTrans : CblasNoTrans, m, n, k, 1,
      a, aStride, b, bStride, accumulating ? 1 : 0, c, cStride)
  }
}

/// A size as a Fortran integer.
///
/// - throws: ``Failure`` `badData` for sizes beyond 2³¹ − 1.
func fortran(_ size: Int) throws -> Int32 {
  guard let narrow = Int32(exactly: size) else {
    throw Failure(
      .badData, "has a side of \(size), more than the linear algebra library supports",
      advice: "the largest side is \(Int32.max)")
  }
  return narrow
}

/// Throws if a LAPACK routine reports an error.
func check(_ info: Int32, _ routine: String) throws {
  guard info != 0 else { return }
  if info > 0 {
    throw Failure(
      .badData, "the decomposition of this matrix does not converge (\(routine) gave up with \(info))",
      advice: "check its numbers for extreme values")
  }
  throw Failure(
    .badData, "cannot be decomposed (\(routine) rejects its argument \(-info))",
    advice: "check for values that are not finite")
}
