import Merging
import PluginHost
import Recipes

extension Recipe {
  /// The recipe with what nobody wrote down and the merge method decides: the space, the rank, and the split where it counts.
  ///
  /// Parameters stay as they are: a plugin may do something else where a default is written down than where nobody sets it.
  package func resolved(_ settings: MergeSettings?) -> Recipe {
    guard let settings, merge != nil else { return self }
    var copy = self
    copy.merge?.value.space = Located(Space(settings.space))
    copy.merge?.value.split = settings.space == .factors ? Located(settings.split) : nil
    // In the space 'factors' the rank is that of the inputs, and writing one is refused.
    if settings.space != .factors, merge?.energy == nil {
      copy.merge?.value.rank = settings.rank.written.map { Located($0) }
    }
    return copy
  }

  /// The recipe as the record of a run has it: where the result went is no part of how it came about.
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
  /// The recipe with what its method decides, and with paths that hold from any folder: it can be carried out as it is.
  ///
  /// Where the method is missing or does not take the recipe, it says no more than the recipe; to find fault is for ``check(_:)``.
  package func resolved(_ recipe: Recipe) -> Recipe {
    recipe.resolved((try? RunSettings(recipe, in: catalog))?.merge).withFullPaths
  }
}
