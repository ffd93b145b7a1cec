import Diagnostics
import Files
import JSON

extension Recipe {
  /// Reads and checks the recipe in the file at `path`.
  ///
  /// A mergekit file whose models are adapters is read as a recipe if it means the same. So is the record of a run,
  /// `clues/run.json`, and the run directory that holds it: the recipe of that run is used.
  ///
  /// - parameter overrides: Settings from the command line, `merge.parameters.density=0.5`, in the order given; they
  ///   are put in before anything is checked, and after a mergekit file is translated. Elements of lists are counted from 0.
  /// - parameter interruption: Called while a pipe has nothing to read; throws to stop.
  /// - throws: ``Failure`` of kind `missingInput` if the file cannot be read, `badRecipe` with line and column if it is
  ///   not a recipe, `usage` if an override is not `key=value`.
  public static func read(
    path: String, overrides: [Override] = [], limits: Limits = Limits(), interruption: () throws -> Void = {}
  ) throws -> Recipe {
    let file = try recordFile(in: path) ?? path
    let text = try text(ofFile: file, limits: limits, interruption: interruption)
    guard let recorded = try recordedRecipe(in: text, file: file, limits: limits) else {
      return try parse(text, file: file, overrides: overrides, limits: limits)
    }
    // Locations in the recorded text would not be locations in a file.
    var recipe = try parse(recorded, file: file, overrides: overrides, limits: limits) { _ in .override("the record") }
    recipe.isRecorded = true
    return recipe
  }

  /// Reads and checks a recipe.
  ///
  /// - parameter file: Its name for messages; relative paths in it start from the folder of this file.
  public static func parse(
    _ text: String, file: String, overrides: [Override] = [], limits: Limits = Limits()
  ) throws -> Recipe {
    try parse(text, file: file, overrides: overrides, limits: limits) { .file($0) }
  }

  private static func parse(
    _ text: String, file: String, overrides: [Override], limits: Limits,
    origin: @escaping (Failure.Position) -> Origin
  ) throws -> Recipe {
    try Diagnostics.locating(file: file) {
      guard let root = try node(text, limits, origin) else {
        throw Failure(.badRecipe, "the recipe is empty", advice: "it needs at least 'clients', and 'merge' or 'score'")
      }
      var recipe = try check(root, overrides)
      recipe.file = file
      return recipe
    }
  }

  /// The root of a YAML document, or of a JSON text that is not valid YAML: with tabs, or with surrogate pairs, as Python
  /// writes them.
  private static func node(
    _ text: String, _ limits: Limits, _ origin: @escaping (Failure.Position) -> Origin
  ) throws -> Node? {
    do {
      return try YAMLReader(limits: limits, origin: origin).read(text)
    } catch let failure as Failure {
      guard text.utf8.first == UInt8(ascii: "{"), let value = try? JSONReader(limits).read(text) else { throw failure }
      return try YAMLReader(limits: limits, origin: { _ in .override("the JSON text") }).read(value.text())
    }
  }

  /// A recipe given entirely on the command line; its paths are relative to the current folder.
  public static func made(of settings: [Override]) throws -> Recipe {
    try check(Node(content: .mapping([]), origin: .byDefault), settings)
  }

  private static func check(_ tree: Node, _ overrides: [Override]) throws -> Recipe {
    let translation = MergekitTranslation.recognizes(tree) ? try MergekitTranslation(tree) : nil
    let root = try overrides.reduce(translation?.tree ?? tree) { try $1.apply(to: $0) }
    // A newer format may have any keys, so its version is reported first.
    if let version = root.mapping?.first(where: { $0.key == "clues" }) {
      _ = try Schema<Int>.formatVersion.read(version.value, Location() / "clues")
    }
    var recipe = try Recipe.read(root, at: Location())
    recipe.translation = translation?.steps ?? []
    return recipe
  }

  /// The text of a file, at most as long as the record of a run may be; the reader checks the length of recipes.
  private static func text(ofFile path: String, limits: Limits, interruption: () throws -> Void) throws -> String {
    let limit = isNamedAsRecord(path) ? limits[.jsonSize] : limits[.recipeSize]
    let file = try StreamReader(path, subject: "the recipe", patience: .seconds(5))
    let bytes = try file.bytes(limit: limit, interruption: interruption)
    guard bytes.count <= limit else {
      throw Failure(beyond: .recipeSize, "the recipe has more than \(limits[.recipeSize]) bytes", kind: .badRecipe)
        .at(file: path)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badRecipe, "the recipe is not UTF-8 text", advice: "save it as UTF-8", file: path)
    }
    return text
  }
}
