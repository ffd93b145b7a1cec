import Merging
import PluginHost
import Recipes

extension Recipe {
  /// The recipe with the settings that are not given and that the merge method decides: space, rank, and split if it matters.
  ///
  /// Parameters stay as they are: a plugin may treat a default that is given differently from a missing one.
  package func resolved(_ settings: MergeSettings?) -> Recipe {
    guard let settings, merge != nil else { return self }
    var copy = self
    copy.merge?.value.space = Located(Space(settings.space))
    copy.merge?.value.split = settings.space == .factors ? Located(settings.split) : nil
    // In the space 'factors' the rank is that of the inputs, and setting one is refused.
    if settings.space != .factors, merge?.energy == nil {
      copy.merge?.value.rank = settings.rank.written.map { Located($0) }
    }
    return copy
  }

  /// The recipe for the record of a run: the output's path is omitted, because it does not affect the result.
  func recorded(as format: OutputFormat) -> Recipe {
    var copy = self
    copy.output.value.path = nil
    copy.output.value.format = format.recorded.map { Located($0) }
    return copy
  }
}

extension MergeSettings.TargetRank {
  fileprivate var written: Recipe.Rank? {
    switch self {
    case .count(let count): .count(count)
    case .same: .same
    case .full: .full
    case .energy: nil
    }
  }
}

extension Bench {
  /// The recipe with its method's decisions, and with absolute paths: it can be executed as it is.
  ///
  /// If the method is missing or does not accept the recipe, it is just the recipe; ``check(_:)`` reports faults.
  package func resolved(_ recipe: Recipe) -> Recipe {
    recipe.resolved((try? RunSettings(recipe, in: catalog))?.merge).withFullPaths
  }
}
