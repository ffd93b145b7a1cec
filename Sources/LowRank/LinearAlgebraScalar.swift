import COpenBLAS
import Diagnostics

/// The scalars that matrices are made of: `Float`, in which adapters come and go, and `Double`, in which we calculate.
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

/// A size as Fortran takes it.
///
/// - throws: ``Failure`` `badData` for sizes beyond 2³¹ − 1.
func fortran(_ size: Int) throws -> Int32 {
  guard let narrow = Int32(exactly: size) else {
    throw Failure(
      .badData, "has a side of \(size), which is more than linear algebra can count here",
      advice: "the largest side is \(Int32.max)")
  }
  return narrow
}

/// Refuses what a LAPACK routine says it could not do.
func check(_ info: Int32, _ routine: String) throws {
  guard info != 0 else { return }
  if info > 0 {
    throw Failure(
      .badData, "the decomposition of this matrix does not converge (\(routine) gave up with \(info))",
      advice: "look for extreme values among its numbers")
  }
  throw Failure(
    .badData, "cannot be decomposed (\(routine) refuses its argument \(-info))",
    advice: "look for values that are not finite")
}
