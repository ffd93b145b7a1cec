import CLinux

/// OpenBLAS as it runs on this machine.
public struct OpenBLAS: Sendable {
  /// Its version; nil where it does not say.
  public let version: String?

  /// The processor core whose kernels it runs, in its own words, such as `Haswell`.
  public let core: String

  /// The core whose kernels it took by itself.
  public let found: String

  /// The core that was tried instead, but gave wrong products here.
  public let refused: String?

  public let chooser: Chooser

  /// Who chose the kernels.
  public enum Chooser: String, Sendable {
    case itself = "openblas"
    /// Somebody set `OPENBLAS_CORETYPE`.
    case user
    /// Its own choice is older than the processor.
    case clues
  }

  /// What runs here; the kernels are chosen now if they were not yet.
  public static let current = OpenBLAS(clues_prepare_blas().pointee)

  init(_ report: clues_blas) {
    let words = String(cString: report.config).split(separator: " ")
    version = words.first == "OpenBLAS" ? words.dropFirst().first.map(String.init) : nil
    core = String(cString: report.core)
    found = String(cString: report.found)
    refused = report.refused.map { String(cString: $0) }
    chooser =
      switch Int(report.chooser) {
      case CLUES_BLAS_CHOSEN_BY_CLUES: .clues
      case CLUES_BLAS_CHOSEN_BY_USER: .user
      default: .itself
      }
  }

  /// Sees to it that the kernels are chosen; due before every call of BLAS or LAPACK.
  @inline(__always)
  static func prepare() { _ = clues_prepare_blas() }
}
