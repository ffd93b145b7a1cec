import Foundation
import JSON
import Recipes
import TestSupport
import Testing

/// A run is made again from its own record, and every file of the result has the same bytes.
@Suite struct RepetitionTests {
  /// The files of a run that must come out the same, by name.
  private func results(of run: URL) throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: run.path).filter { name in
      // The record and what is made from it tell of paths and times.
      !["README.md", "clues/run.json", "clues/report.html"].contains(name)
    }
    return try Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        var isFolder: ObjCBool = false
        let path = run.appending(path: name).path
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        return isFolder.boolValue ? nil : (name, try Data(contentsOf: URL(filePath: path)))
      })
  }

  private func record(of run: URL) throws -> JSONObject {
    let text = try String(contentsOf: run.appending(path: "clues/run.json"), encoding: .utf8)
    return try #require(try JSONReader().read(text).objectValue)
  }

  /// Repeats the run in `folder/output` from its directory, and its recipe by itself from a folder elsewhere.
  private func checkThatItRepeats(_ output: String, in folder: URL, byRecipe: Bool = true) throws {
    let run = folder.appending(path: output)
    let expected = try results(of: run)
    #expect(!expected.isEmpty)
    try withTemporaryFolder { elsewhere in
      let again = try clues(["run", run.path, "--output", "again", "-q"], in: elsewhere)
      #expect(again.status == 0, "\(again.errors)")
      #expect(try results(of: elsewhere.appending(path: "again")) == expected)
      guard byRecipe else { return }
      let recipe = try #require(record(of: run)["recipe"])
      try recipe.text(indented: true).write(
        to: elsewhere.appending(path: "mine.yaml"), atomically: true, encoding: .utf8)
      let made = try clues(["run", "mine.yaml", "-q"], in: elsewhere)
      #expect(made.status == 0, "\(made.errors)")
      #expect(try results(of: elsewhere.appending(path: "runs/mine")) == expected)
    }
  }

  static let recipes = try! FileManager.default.contentsOfDirectory(
    atPath: repository.appending(path: "recipes").path
  ).filter { $0.hasSuffix(".yaml") }.sorted()

  @Test(arguments: recipes) func `every sample recipe repeats from its record`(_ name: String) throws {
    try withWorkingCopy { folder in
      let run = try clues(["run", "recipes/\(name)", "--output", "out/run", "-q"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      try checkThatItRepeats("out/run", in: folder, byRecipe: name == "mergekit.yaml")
    }
  }

  @Test(arguments: recipes) func `every sample recipe is printed in a form that runs`(_ name: String) throws {
    try withWorkingCopy { folder in
      let printed = try clues(["recipe", "explain", "recipes/\(name)", "--json"], in: folder)
      #expect(printed.status == 0, "\(printed.errors)")
      try withTemporaryFolder { elsewhere in
        try printed.output.write(to: elsewhere.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
        let plan = try clues(["run", "r.yaml", "--dry-run", "--json", "-q"], in: elsewhere)
        #expect(plan.status == 0, "\(plan.errors)")
        #expect(try plan.output == clues(["run", "recipes/\(name)", "--dry-run", "--json", "-q"], in: folder).output)
      }
    }
  }

  /// The commands of a document's blocks that make a run.
  static let shown = DocumentTests.fenced("sh", in: "Documentation/QuickStart.md").flatMap {
    $0.split(separator: "\n").map(String.init)
  }.filter { ($0.hasPrefix("clues run ") || $0.hasPrefix("clues merge ")) && !$0.contains("--dry-run") }

  @Test func `the quick start shows runs`() { #expect(Self.shown.count >= 7) }

  @Test(arguments: shown) func `every run of the quick start repeats from its record`(_ line: String) throws {
    try withWorkingCopy { folder in
      let words = line.split(separator: " ").dropFirst().map(String.init)
      let place = try #require(words.firstIndex { $0 == "-o" || $0 == "--output" })
      // One that repeats another run needs that first.
      if words[1] == "runs/first" {
        #expect(
          try clues(["run", "recipes/clues-calibrated.yaml", "--output", "runs/first", "-q"], in: folder).status == 0)
      }
      let run = try clues(words + ["-q"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      try checkThatItRepeats(words[place + 1], in: folder, byRecipe: false)
    }
  }

  /// An option of `merge`, what else it takes to mean something, and the key of the recipe that it sets.
  struct Row: CustomTestStringConvertible, Sendable {
    var option: [String]
    var besides: [String] = []
    var key: String
    var value: JSONValue
    var testDescription: String { option.joined(separator: " ") }
  }

  static let rows = [
    Row(option: ["--method", "dare-ties"], key: "merge.method", value: "dare-ties"),
    Row(option: ["--space", "core"], key: "merge.space", value: "core"),
    Row(option: ["--rank", "3"], key: "merge.rank", value: 3),
    Row(option: ["--rank", "full"], besides: ["--method", "ties"], key: "merge.rank", value: "full"),
    Row(option: ["--energy", "0.75"], key: "merge.energy", value: 0.75),
    Row(option: ["--split", "whole"], besides: ["--space", "factors"], key: "merge.split", value: "whole"),
    Row(option: ["--missing", "renormalize"], key: "merge.missing", value: "renormalize"),
    Row(option: ["--absolute", "drop"], key: "merge.absolute", value: "drop"),
    Row(option: ["--base-model", "some/base"], key: "merge.base_model", value: "some/base"),
    Row(option: ["--dtype", "float16"], key: "output.dtype", value: "float16"),
    Row(option: ["--seed", "7"], besides: ["--method", "dare-ties"], key: "seed", value: 7),
    Row(option: ["--residual"], besides: ["--rank", "2"], key: "merge.residual", value: true),
    Row(option: ["--exact"], besides: ["--method", "ties"], key: "merge.exact", value: true),
    Row(option: ["-p", "normalize=false"], key: "merge.parameters.normalize", value: false),
    Row(option: ["--weight", "2", "--weight", "-0.5"], key: "clients.1.weight", value: -0.5),
    Row(option: ["--client", "x", "--client", "y"], key: "clients.1.name", value: "y"),
  ]

  @Test(arguments: rows) func `every option of merge reaches its key, and the run repeats`(_ row: Row) throws {
    try withTemporaryFolder { folder in
      let method = (row.option + row.besides).contains("--method") ? [] : ["--method", "average"]
      let arguments =
        ["merge", fixture("tiny/c0"), fixture("tiny/c1"), "-o", "out", "-q"] + method + row.option + row.besides
      let run = try clues(arguments, in: folder)
      #expect(run.status == 0, "\(run.errors)")
      var value = try #require(record(of: folder.appending(path: "out"))["recipe"])
      for step in row.key.split(separator: ".") {
        value = try #require(Int(step).map { value.arrayValue?[$0] } ?? value.objectValue?[String(step)], "\(row.key)")
      }
      #expect(value == row.value || value.doubleValue == row.value.doubleValue && row.value.doubleValue != nil)
      try checkThatItRepeats("out", in: folder)
      // An option that is not there must make another recipe.
      guard row.option != ["--method", "dare-ties"] else { return }
      let without = try clues(
        ["merge", fixture("tiny/c0"), fixture("tiny/c1"), "-o", "plain", "-q"] + method + row.besides, in: folder)
      #expect(without.status == 0, "\(without.errors)")
      #expect(
        try record(of: folder.appending(path: "plain"))["recipe"] != record(of: folder.appending(path: "out"))["recipe"]
      )
    }
  }

  @Test func `a record names no output and needs one`() throws {
    try withTemporaryFolder { folder in
      #expect(
        try clues(["merge", fixture("tiny/c0"), fixture("tiny/c1"), "--method", "ties", "-o", "out", "-q"], in: folder)
          .status == 0)
      let refused = try clues(["run", "out/clues/run.json"], in: folder)
      #expect(refused.status == 64)
      #expect(refused.errors.contains("a repeated run needs an output of its own"))
      let dry = try clues(["run", "out/clues/run.json", "--dry-run"], in: folder)
      #expect(dry.status == 0, "\(dry.errors)")
      let set = try clues(["run", "out", "--set", "merge.space=core", "-o", "core", "-q"], in: folder)
      #expect(set.status == 0, "\(set.errors)")
      #expect(try record(of: folder.appending(path: "core"))["merge"]?.objectValue?["space"] == "core")
      let wrong = try clues(["run", "out", "--set", "merge.rank=none", "-o", "x"], in: folder)
      #expect(wrong.status == 78)
      let folderOnly = try clues(["run", "out/clues", "-o", "x"], in: folder)
      #expect(folderOnly.status == 66)
      #expect(folderOnly.errors.contains("is a folder without clues/run.json"))
    }
  }

  @Test func `the model card has the resolved recipe with the paths as they were written`() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createSymbolicLink(
        at: folder.appending(path: "tiny"), withDestinationURL: URL(filePath: fixture("tiny")))
      #expect(
        try clues(["merge", "tiny/c0", "tiny/c1", "--method", "ties", "-o", "out", "-q"], in: folder).status == 0)
      let card = try String(contentsOf: folder.appending(path: "out/README.md"), encoding: .utf8)
      let recipe = card.components(separatedBy: "```json\n")[1].components(separatedBy: "\n```")[0]
      #expect(!card.contains(folder.path))
      try recipe.write(to: folder.appending(path: "card.yaml"), atomically: true, encoding: .utf8)
      let made = try clues(["run", "card.yaml", "-q"], in: folder)
      #expect(made.status == 0, "\(made.errors)")
      #expect(try results(of: folder.appending(path: "runs/card")) == results(of: folder.appending(path: "out")))
    }
  }
}
