import Bundles
import Diagnostics
import Recipes
import SystemPackage

/// The output of a run: a form of the adapter, in a folder or in one file.
package struct OutputFormat: Sendable {
  /// Its name in `output.format` and `--format`.
  package let name: String
  /// A description for help and errors.
  package let summary: String
  let adapter: any AdapterFormat
  /// The extensions of outputs' names that select it, the preferred one first; a folder has none.
  let endings: [String]

  private init(_ name: String, _ summary: String, _ adapter: any AdapterFormat, endings: [String] = []) {
    self.name = name
    self.summary = summary
    self.adapter = adapter
    self.endings = endings
  }

  /// All formats; the first is that of an output whose name has no extension.
  package static let all = [
    OutputFormat("peft", "a folder that PEFT loads", PEFTFormat()),
    OutputFormat("archive", "a PEFT folder packed into one file", PEFTFormat(), endings: FolderArchive.endings),
  ]

  /// All formats with their descriptions, in one sentence for help.
  package static var choices: String { all.map { "\($0.name) (\($0.summary))" }.joined(separator: " or ") }

  /// The format in the recipe; nil if there is none.
  package init?(namedBy recipe: Recipe) throws {
    guard let name = recipe.output.value.format else { return nil }
    guard let format = Self.all.first(where: { $0.name == name.value }) else {
      throw recipe.failure(
        "there is no output format '\(name.value)'", at: name.origin,
        advice: suggestion(for: name.value, among: Self.all.map(\.name)))
    }
    self = format
  }

  /// The format of an output: the one in the recipe, if the output's name agrees with it, otherwise the one that the name
  /// selects.
  init(of output: String?, _ recipe: Recipe) throws {
    let fitting = output.map { output in
      Self.all.first { $0.endings.contains(where: output.lowercased().hasSuffix) } ?? Self.all[0]
    }
    guard let origin = recipe.output.value.format?.origin, let named = try OutputFormat(namedBy: recipe) else {
      self = fitting ?? Self.all[0]
      return
    }
    self = named
    guard let output, let fitting, fitting.endings != named.endings else { return }
    throw recipe.failure(
      "the output '\(output)' has the name of \(fitting.endings.isEmpty ? "a folder" : "an archive"), "
        + "but the format '\(named.name)' is \(named.summary)", at: origin,
      advice: (named.endings.isEmpty ? "name a folder" : "end the name in \(named.endings.joined(separator: ", "))")
        + ", or omit the format")
  }

  /// The name in the record of a run, which does not depend on whether the folder was packed.
  var recorded: String? { adapter is PEFTFormat ? nil : name }
}

extension Recipe {
  /// Where the result goes if the command line does not say: to `output.path`, else below `runs`, named like the recipe.
  package func outputPath(ofRecipe file: String) throws -> String {
    if let path = output.value.path { return self.path(path) }
    return "runs/\(FilePath(file).stem ?? "")" + (try OutputFormat(namedBy: self)?.endings.first ?? "")
  }
}
