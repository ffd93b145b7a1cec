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
      copy.clients[index].value.path.value = fullPath(path(copy.clients[index].value.path))
    }
    if let output = output.value.path { copy.output.value.path?.value = fullPath(path(output)) }
    copy.file = ""
    return copy
  }

  /// Whether a path is that of a recipe or of a run, and not of a bundle.
  public static func isRecipe(_ path: String) -> Bool {
    [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) } || (try? recordFile(in: path)) != nil
  }

  /// The record of a run directory; nil where `path` is no folder.
  static func recordFile(in path: String) throws -> String? {
    guard FilePath(path).isFolder else { return nil }
    let record = (path.hasSuffix("/") ? path : path + "/") + RunFiles.record
    guard FilePath(record).exists else {
      throw Failure(
        .missingInput, "is a folder, and holds no \(RunFiles.record)",
        advice: "give a recipe, or the directory of a run to repeat it", file: path)
    }
    return record
  }

  /// Whether a file may be a record, which may be longer than a recipe.
  static func isNamedAsRecord(_ path: String) -> Bool { path.hasSuffix(".json") }

  /// The recipe in the record of a run, as text; nil where the text is something else.
  static func recordedRecipe(in text: String, file: String, limits: Limits) throws -> String? {
    guard isNamedAsRecord(file), let value = try? JSONReader(limits).read(text), let record = value.objectValue,
      let jsonSchema = record["schema"]?.stringValue, jsonSchema.hasPrefix("clues/run/")
    else { return nil }
    guard jsonSchema == RunRecord.schema, let recipe = record["recipe"] else {
      throw Failure(
        .badRecipe, "this is the record of a run, but holds no recipe that can be read here",
        advice: "use the version of Clues that wrote it", file: file)
    }
    return withCombination(recipe).text(indented: true)
  }

  /// Records from before 'combine' are of runs that summed.
  private static func withCombination(_ recipe: JSONValue) -> JSONValue {
    guard var object = recipe.objectValue, object["combine"] == nil, object["score"]?.arrayValue?.count ?? 0 > 1
    else { return recipe }
    object["combine"] = "sum"
    return .object(object)
  }
}

/// A path that leads to the same file from any folder, and ends in the same name.
///
/// `a/..` is left out only where `a` is a folder and no link: after a link, `..` does not lead back.
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
