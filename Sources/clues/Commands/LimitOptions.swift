import ArgumentParser
import Diagnostics
import Recipes

/// Limits on inputs.
struct LimitOptions: ParsableArguments {
  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      "Set a limit on inputs, as in entry_size=32GiB; can be repeated. Documentation/Bundles.md lists them.",
      valueName: "name=value"),
    completion: .list(Limit.allCases.map { $0.rawValue + "=" }))
  var settings: [String] = []

  /// The defaults with what was set.
  var limits: Limits {
    get throws { try chosen.reduce(into: Limits()) { $0[$1.limit] = $1.value } }
  }

  /// The same as settings of a recipe, which take precedence over those in its file.
  var overrides: [Override] {
    get throws {
      try chosen.filter { !$0.limit.isOfRecipes }.map {
        try Override(["limits", $0.limit.rawValue], "\($0.value)", from: "--limit \($0.text)")
      }
    }
  }

  private var chosen: [(limit: Limit, value: Int, text: String)] {
    get throws { try settings.map { try Self.read($0) } }
  }

  private static func read(_ setting: String) throws -> (limit: Limit, value: Int, text: String) {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      throw Failure(
        .usage, "--limit \(setting): this is not name=value", advice: "write for example --limit entry_size=32GiB")
    }
    guard let limit = Limit(rawValue: parts[0]) else {
      throw Failure(
        .usage, "--limit \(setting): there is no limit '\(parts[0])'",
        advice: suggestion(for: parts[0], among: Limit.allCases.map(\.rawValue)))
    }
    guard let value = limit.value(of: parts[1]) else {
      throw Failure(.usage, "--limit \(setting): '\(parts[0])' must be \(limit.due)")
    }
    return (limit, value, setting)
  }
}
