import Diagnostics
import Foundation

extension Recipe {
  /// Reads and checks the recipe in the file at `path`.
  ///
  /// A mergekit file whose models are adapters is a recipe as well, where the meaning is the same.
  ///
  /// - parameter overrides: Settings from the command line, `merge.parameters.density=0.5`, in the order given; they
  ///   are put in before anything is checked, and after a mergekit file is translated. Elements of lists are counted from 0.
  /// - throws: ``Failure`` of kind `missingInput` if the file cannot be read, `badRecipe` with line and column if it is
  ///   not a recipe, `usage` if an override is not `key=value`.
  public static func read(path: String, overrides: [Override] = [], limits: Limits = Limits()) throws -> Recipe {
    try parse(try text(ofFile: path, limits: limits), file: path, overrides: overrides, limits: limits)
  }

  /// Reads and checks a recipe.
  ///
  /// - parameter file: Its name for messages; relative paths in it start from the folder of this file.
  public static func parse(
    _ text: String, file: String, overrides: [Override] = [], limits: Limits = Limits()
  ) throws -> Recipe {
    try locating(file: file) {
      guard let root = try YAMLReader(limits: limits).read(text) else {
        throw Failure(.badRecipe, "the recipe is empty", advice: "it names at least 'clients', and 'merge' or 'score'")
      }
      var recipe = try check(root, overrides)
      recipe.file = file
      return recipe
    }
  }

  /// A recipe that is given on the command line alone; its paths start from the current folder.
  public static func made(of settings: [Override]) throws -> Recipe {
    try check(Node(content: .mapping([]), origin: .byDefault), settings)
  }

  private static func check(_ tree: Node, _ overrides: [Override]) throws -> Recipe {
    let translation = MergekitTranslation.recognizes(tree) ? try MergekitTranslation(tree) : nil
    let root = try overrides.reduce(translation?.tree ?? tree) { try $1.apply(to: $0) }
    // A newer format may have any keys, so that its version is the first thing to say.
    if let version = root.mapping?.first(where: { $0.key == "clues" }) {
      _ = try Form<Int>.formatVersion.read(version.value, Place() / "clues")
    }
    var recipe = try Recipe.read(root, at: Place())
    recipe.translation = translation?.steps ?? []
    return recipe
  }

  private static func text(ofFile path: String, limits: Limits) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    // One byte more than allowed is enough to know that there are too many.
    while bytes.count <= limits[.recipeSize] {
      let count = Foundation.read(descriptor, &buffer, min(buffer.count, limits[.recipeSize] + 1 - bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw unreadable(path) }
      if count == 0 { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    guard bytes.count <= limits[.recipeSize] else {
      throw Failure(beyond: .recipeSize, "the recipe has more than \(limits[.recipeSize]) bytes", kind: .badRecipe)
        .at(file: path)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badRecipe, "the recipe is not UTF-8 text", advice: "save it as UTF-8", file: path)
    }
    return text
  }

  private static func unreadable(_ path: String) -> Failure {
    Failure(.missingInput, "the recipe cannot be read: \(String(cString: strerror(errno)))", file: path)
  }
}
