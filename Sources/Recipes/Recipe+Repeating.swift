import Diagnostics
import Files
import Glibc
import JSON
import Records
import SystemPackage

extension Recipe {
  /// The same recipe with paths that lead to the same files from any folder.
  public var withFullPaths: Recipe {
    var copy = self
    for index in copy.clients.indices {
      copy.clients[index].value.path.value = fullPath(input(copy.clients[index].value.path))
    }
    if let output = output.value.path { copy.output.value.path?.value = fullPath(path(output)) }
    if let base = output.value.base { copy.output.value.base?.value = fullPath(input(base)) }
    copy.file = ""
    return copy
  }

  /// Whether a path leads to a recipe or a run, and not to a bundle.
  public static func isRecipe(_ path: String) -> Bool {
    [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) } || (try? recordFile(in: path)) != nil
  }

  /// The record of a run directory; nil if `path` is not a folder.
  static func recordFile(in path: String) throws -> String? {
    guard FilePath(path).isFolder else { return nil }
    let record = (path.hasSuffix("/") ? path : path + "/") + RunFiles.record
    guard FilePath(record).exists else {
      throw Failure(
        .missingInput, "is a folder without \(RunFiles.record)",
        advice: "give a recipe, or the directory of a run to repeat it", file: path)
    }
    return record
  }

  /// Whether a file may be a record, which may be longer than a recipe.
  static func isNamedAsRecord(_ path: String) -> Bool { path.hasSuffix(".json") }

  /// The recipe in the record of a run, as text; nil if the text is something else.
  static func recordedRecipe(in text: String, file: String, limits: Limits) throws -> String? {
    guard isNamedAsRecord(file), let value = try? JSONReader(limits).read(text), let record = value.objectValue,
      let jsonSchema = record["schema"]?.stringValue, jsonSchema.hasPrefix("clues/run/")
    else { return nil }
    guard jsonSchema == RunRecord.schema, let recipe = record["recipe"] else {
      throw Failure(
        .badRecipe, "this is the record of a run, but it has no recipe that this version can read",
        advice: "use the version of Clues that wrote it", file: file)
    }
    return withCombination(recipe).text(indented: true)
  }

  /// Records from before 'combine' existed are of runs that summed.
  private static func withCombination(_ recipe: JSONValue) -> JSONValue {
    guard var object = recipe.objectValue, object["combine"] == nil, object["score"]?.arrayValue?.count ?? 0 > 1
    else { return recipe }
    object["combine"] = "sum"
    return .object(object)
  }
}

/// An absolute path to the same file, which ends in the same name.
///
/// `a/..` is dropped only if `a` is a folder and not a link: after a link, `..` does not lead back.
private func fullPath(_ path: String) -> String {
  var steps: [Substring] = []
  for step in FilePath.current.pushing(FilePath(path)).string.split(separator: "/") where step != "." {
    var status = stat()
    let here = "/" + steps.joined(separator: "/")
    if step == "..", steps.last != "..", lstat(here, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      _ = steps.popLast()
    } else {
      steps.append(step)
    }
  }
  return "/" + steps.joined(separator: "/")
}
