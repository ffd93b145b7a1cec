import Bundles
import Diagnostics
import Recipes
import SystemPackage

/// What a run writes: a form of the adapter, in a folder or in one file.
package struct OutputFormat: Sendable {
  /// Its name in `output.format` and `--format`.
  package let name: String
  /// What it is, for help and errors.
  package let summary: String
  let adapter: any AdapterFormat
  /// The endings of outputs' names that ask for it, the preferred one first; a folder has none.
  let endings: [String]

  private init(_ name: String, _ summary: String, _ adapter: any AdapterFormat, endings: [String] = []) {
    self.name = name
    self.summary = summary
    self.adapter = adapter
    self.endings = endings
  }

  /// All formats; the first is that of an output whose name has no ending.
  package static let all = [
    OutputFormat("peft", "a folder that PEFT loads", PEFTFormat()),
    OutputFormat("archive", "a PEFT folder packed into one file", PEFTFormat(), endings: FolderArchive.endings),
  ]

  /// All formats and what they are, in one sentence for help.
  package static var choices: String { all.map { "\($0.name) (\($0.summary))" }.joined(separator: " or ") }

  /// The format that a recipe names; nil where it names none.
  package init?(namedBy recipe: Recipe) throws {
    guard let name = recipe.output.value.format else { return nil }
    guard let format = Self.all.first(where: { $0.name == name.value }) else {
      throw recipe.failure(
        "there is no output format '\(name.value)'", at: name.origin,
        advice: suggestion(for: name.value, among: Self.all.map(\.name)))
    }
    self = format
  }

  /// The format of an output: the one that the recipe names, if the output's name agrees with it, else the one that the
  /// name asks for.
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
      "the output '\(output)' is named as \(fitting.endings.isEmpty ? "a folder" : "an archive"), "
        + "and the format '\(named.name)' is \(named.summary)", at: origin,
      advice: (named.endings.isEmpty ? "name a folder" : "end the name in \(named.endings.joined(separator: ", "))")
        + ", or leave the format out")
  }

  /// The name under which the record of a run has it: whether a folder was packed says nothing of how it came about.
  var recorded: String? { adapter is PEFTFormat ? nil : name }
}

extension Recipe {
  /// Where the result goes when the command line does not say: to `output.path`, else below `runs`, named like the recipe.
  package func outputPath(ofRecipe file: String) throws -> String {
    if let path = output.value.path { return self.path(path) }
    return "runs/\(FilePath(file).stem ?? "")" + (try OutputFormat(namedBy: self)?.endings.first ?? "")
  }
}
