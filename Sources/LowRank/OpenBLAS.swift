import CLinux

/// The OpenBLAS on this machine.
public struct OpenBLAS: Sendable {
  /// Its version; nil if unknown.
  public let version: String?

  /// The processor core whose kernels it runs, by its own name, such as `Haswell`.
  public let core: String

  /// The core whose kernels it chose by itself.
  public let found: String

  /// The core that was tried instead, but gave wrong products here.
  public let refused: String?

  public let chooser: Chooser

  /// Who chose the kernels.
  public enum Chooser: String, Sendable {
    case itself = "openblas"
    /// `OPENBLAS_CORETYPE` is set.
    case user
    /// Clues, because OpenBLAS's choice is older than the processor.
    case clues
  }

  /// The current state; chooses the kernels if that has not happened yet.
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

  /// Makes sure that the kernels are chosen. Must be called before every call of BLAS or LAPACK.
  @inline(__always)
  static func prepare() { _ = clues_prepare_blas() }
}
