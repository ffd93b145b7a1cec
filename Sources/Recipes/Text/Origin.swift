import Diagnostics

/// Where a value of a recipe comes from.
public enum Origin: Sendable, Hashable {
  /// A position in the file.
  case file(Failure.Position)

  /// The command line; the text is what the user wrote there, such as `--set seed=1`.
  case override(String)

  /// A default.
  case byDefault

  /// A failure about a value with this origin; the caller adds the file.
  func failure(_ message: String, advice: String? = nil) -> Failure {
    switch self {
    case .file(let position): Failure(.badRecipe, message, advice: advice, position: position)
    case .override(let setting): Failure(.badRecipe, "\(message) (from \(setting))", advice: advice)
    case .byDefault: Failure(.badRecipe, message, advice: advice)
    }
  }

  /// The failure of a value with this origin that exceeds a limit.
  func failure(beyond limit: Limit, _ message: String) -> Failure {
    failure(message, advice: Failure(beyond: limit, message).advice)
  }
}
