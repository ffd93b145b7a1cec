@_exported import CluesPluginABI

/// What every merge method, scorer and threshold rule says about itself.
///
/// Conform to ``MergeMethod``, ``LinearMergeMethod``, ``Scorer``, ``ClientScorer`` or ``ThresholdRule``, declare
/// parameters with ``Parameter``, and list the type in a ``PluginLibrary``.
public protocol PluginEntry {
  /// The name that recipes use: lower case letters, digits, `-` and `.`.
  static var id: String { get }

  /// What it does, in one sentence.
  static var summary: String { get }

  /// Formulas and advice for `clues plugins show`, in paragraphs; lines that start with four spaces are shown unchanged.
  ///
  /// Empty by default.
  static var details: String { get }

  /// The source of the method; empty by default.
  static var reference: String { get }

  /// Makes an instance with the default parameters; the host's values are set afterwards.
  init()

  /// Refuses parameters that cannot be combined; called once they are set.
  func validate() throws
}

extension PluginEntry {
  public static var details: String { "" }
  public static var reference: String { "" }
  public func validate() throws {}
}

/// Why a plugin cannot do what it was asked to, in one sentence.
public struct PluginError: Error {
  public let status: Status
  public let message: String

  public init(_ message: String, status: Status = .failedPrecondition) {
    self.message = message
    self.status = status
  }

  /// The kind of failure.
  public enum Status: CaseIterable, Sendable {
    /// The user wanted to stop.
    case cancelled
    /// A parameter or an input is invalid.
    case invalidArgument
    /// It is valid, but this plugin does not support it.
    case unsupported
    case outOfMemory
    /// The data cannot be processed.
    case failedPrecondition
    /// A fault of the plugin.
    case internalError
  }
}

extension PluginError.Status: CCounterpart {
  var cValue: clues_status {
    switch self {
    case .cancelled: CLUES_CANCELLED
    case .invalidArgument: CLUES_INVALID_ARGUMENT
    case .unsupported: CLUES_UNSUPPORTED
    case .outOfMemory: CLUES_OUT_OF_MEMORY
    case .failedPrecondition: CLUES_FAILED_PRECONDITION
    case .internalError: CLUES_INTERNAL
    }
  }
}
