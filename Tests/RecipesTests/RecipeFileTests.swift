import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Recipes

/// Recipes from pipes, and paths that hold from everywhere.
@Suite struct RecipeFileTests {
  private let text = "clients: [a.zip, b.zip]\nmerge: {method: ties}\n"

  private func withPipe(_ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appending(path: "pipe").path
      try #require(mkfifo(pipe, 0o600) == 0)
      try body(pipe)
    }
  }

  @Test func `a pipe that nobody writes to is refused`() throws {
    try withPipe { pipe in
      let failure = try failure { try RecipeFile(path: pipe, patience: 0.2).bytes(limit: 1000) {} }
      #expect(failure.kind == .missingInput && failure.file == pipe)
      #expect(failure.message == "the recipe is a pipe that nobody writes to")
    }
  }

  @Test func `a writer may come late and take its time`() throws {
    try withPipe { pipe in
      let writer = Thread { [text] in
        usleep(300_000)
        guard let file = FileHandle(forWritingAtPath: pipe) else { return }
        for part in [text.prefix(10), text.dropFirst(10)] {
          usleep(400_000)
          try? file.write(contentsOf: Data(part.utf8))
        }
        try? file.close()
      }
      writer.start()
      // Patience is for a pipe without a writer; with one it does not count.
      let bytes = try RecipeFile(path: pipe, patience: 0.6).bytes(limit: 1000) {}
      #expect(String(decoding: bytes, as: UTF8.self) == text)
    }
  }

  @Test func `waiting for a pipe can be interrupted`() throws {
    try withPipe { pipe in
      let stop = Failure(.interrupted, "stop")
      #expect(throws: stop) { try RecipeFile(path: pipe, patience: 60).bytes(limit: 1000) { throw stop } }
    }
  }

  @Test func `no more is read than it takes to see that it is too much`() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("r.yaml", [UInt8](repeating: 0x23, count: 5000))
      #expect(try RecipeFile(path: path).bytes(limit: 100) {}.count == 101)
    }
  }

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
