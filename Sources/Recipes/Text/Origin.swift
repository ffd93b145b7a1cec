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

/// A place in the text of a recipe: all that an error about a value there needs, without the recipe.
public struct RecipeLocation: Sendable, Hashable {
  /// Nil for a recipe that is no file.
  let file: String?
  let origin: Origin

  /// A failure of kind `badRecipe` with file, line and column.
  public func failure(_ message: String, advice: String? = nil) -> Failure {
    origin.failure(message, advice: advice).at(file: file)
  }

  /// Runs `body` and gives a failure that knows no place this one.
  package func locating<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let problem as Failure where problem.file == nil {
      var located = failure(problem.message, advice: problem.advice)
      (located.kind, located.plugin, located.code) = (problem.kind, problem.plugin, problem.code)
      throw located
    }
  }
}
