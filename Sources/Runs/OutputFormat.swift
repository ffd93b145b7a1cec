import Adapters
import Bundles
import Diagnostics
import Models
import Recipes
import SystemPackage

/// The output of a run: a form of the adapter, in a folder or in one file.
package struct OutputFormat: Sendable {
  /// Its name in `output.format` and `--format`.
  package let name: String
  /// A description for help and errors.
  package let summary: String
  /// The extensions of outputs' names that select it, the preferred one first; a folder has none.
  let endings: [String]
  /// The files of an adapter.
  let files: [String]
  /// The form of the adapter, for a base model if it depends on one.
  private let form: Form

  private enum Form: Sendable {
    case any(any AdapterFormat)
    case ofModel(@Sendable (ModelOutline) -> any AdapterFormat)
  }

  private init(_ name: String, _ summary: String, files: [String], _ form: Form, endings: [String] = []) {
    self.name = name
    self.summary = summary
    self.files = files
    self.form = form
    self.endings = endings
  }

  /// All formats; the first is that of an output whose name has no extension.
  package static let all = [
    OutputFormat("peft", "a folder that PEFT loads", files: peftFiles, .any(PEFTFormat())),
    OutputFormat(
      "archive", "a PEFT folder packed into one file", files: peftFiles, .any(PEFTFormat()),
      endings: FolderArchive.endings),
    OutputFormat(
      "gguf", "a folder with \(GGUFFormat.file), which llama.cpp loads", files: [GGUFFormat.file],
      .ofModel { GGUFFormat(base: $0) }),
  ]

  private static let peftFiles = [PEFTFile.config, PEFTFile.weights]

  /// The form of the adapter of a recipe.
  ///
  /// - throws: ``Failure`` if it needs a base model and the recipe names none, or the other way round.
  func adapter(_ recipe: Recipe) throws -> any AdapterFormat {
    let output = recipe.output.value
    switch form {
    case .any(let format):
      if let base = output.base {
        throw recipe.failure(
          "the format '\(name)' does not depend on the base model", at: base.origin,
          advice: "omit the base model, or choose the format gguf")
      }
      return format
    case .ofModel(let format):
      guard let base = output.base else {
        throw recipe.failure(
          "the format '\(name)' depends on the base model", at: output.format?.origin ?? recipe.output.origin,
          advice: "name its folder, its config.json or its GGUF file: output.base (--base)")
      }
      if let layout = output.rankLayout, layout.value == .exact {
        throw recipe.failure(
          "the format '\(name)' has one rank for all modules", at: layout.origin, advice: "omit the rank layout")
      }
      return format(try ModelOutline(at: recipe.input(base), limits: recipe.readingLimits))
    }
  }

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
  var recorded: String? { if case .ofModel = form { name } else { nil } }
}

extension Recipe {
  /// Where the result goes if the command line does not say: to `output.path`, else below `runs`, named like the recipe.
  package func outputPath(ofRecipe file: String) throws -> String {
    if let path = output.value.path { return self.path(path) }
    return "runs/\(FilePath(file).stem ?? "")" + (try OutputFormat(namedBy: self)?.endings.first ?? "")
  }
}
