import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Recipes

/// Paths that hold from everywhere, and what counts as a recipe.
@Suite struct RecipeFileTests {
  @Test func `full paths lead to the same file, and links are not taken for folders`() throws {
    try withTemporaryFolder { folder in
      let tree = folder.resolvingSymlinksInPath()
      try FileManager.default.createDirectory(at: tree.appending(path: "a/recipes"), withIntermediateDirectories: true)
      try FileManager.default.createDirectory(at: tree.appending(path: "b/inner"), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        at: tree.appending(path: "a/link"), withDestinationURL: tree.appending(path: "b/inner"))
      try """
      clients: [../x.zip, ./y.zip, /abs/../z.zip, ../link/../w.zip]
      merge: {method: ties}
      output: {path: ../out}
      """.write(to: tree.appending(path: "a/recipes/r.yaml"), atomically: true, encoding: .utf8)
      let recipe = try Recipe.read(path: tree.path + "/a/recipes/r.yaml").withFullPaths
      #expect(
        recipe.clients.map(\.value.path.value) == [
          "\(tree.path)/a/x.zip", "\(tree.path)/a/recipes/y.zip", "/abs/../z.zip", "\(tree.path)/a/link/../w.zip",
        ])
      #expect(recipe.output.value.path?.value == "\(tree.path)/a/out")
      #expect(recipe.path(recipe.clients[0].value.path) == "\(tree.path)/a/x.zip")
    }
  }

  @Test func `JSON as Python and others write it is a recipe`() throws {
    let texts = [
      #"{"clients": [{"path": "\ud83d\ude00.zip"}, {"path": "a\/b"}], "merge": {"method": "ties"}}"#,
      "{\n\t\"clients\": [\n\t\t{\"path\": \"😀.zip\"},\n\t\t{\"path\": \"a/b\"}],\n\t\"merge\": {\"method\": \"ties\"}\n}",
    ]
    for text in texts {
      let recipe = try Recipe.parse(text, file: "r.json")
      #expect(recipe.clients.map(\.value.path.value) == ["😀.zip", "a/b"])
    }
    // What is wrong in it is told as what it is.
    let wrong = try failure { try Recipe.parse(texts[0].replacing("ties", with: ""), file: "r.json") }
    #expect(wrong.message.hasPrefix("'merge.method' must be the id of a plugin"))
    let twice = try failure { try Recipe.parse(#"{"clients": ["a"], "clients": ["b"]}"#, file: "r.json") }
    #expect(twice.message == "duplicate key 'clients'")
  }

  @Test func `the recipe in a record is read, however large the record`() throws {
    try withTemporaryFolder { folder in
      let filling = String(repeating: "1,", count: 1 << 20) + "1"
      let recipe = #"{"clients": [{"path": "/a"}, {"path": "/b"}], "merge": {"method": "ties"}}"#
      let path = try folder.file(
        "run.json", Array(#"{"schema": "clues/run/1", "recipe": \#(recipe), "x": [\#(filling)]}"#.utf8))
      let read = try Recipe.read(path: path)
      #expect(read.isRecorded && read.merge?.method.value == "ties")
      let other = try folder.file("other.json", Array(#"{"schema": "clues/run/2", "recipe": {}}"#.utf8))
      #expect(try failure { try Recipe.read(path: other) }.kind == .badRecipe)
      // A recipe may be JSON as well, and has its limit.
      let plain = try folder.file("plain.json", Array(recipe.utf8))
      #expect(try !Recipe.read(path: plain).isRecorded)
      let large = try folder.file("large.json", Array(("# " + filling).utf8))
      #expect(try failure { try Recipe.read(path: large) }.message == "the recipe has more than 1048576 bytes")
    }
  }
}
