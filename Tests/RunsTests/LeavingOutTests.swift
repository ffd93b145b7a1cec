import Diagnostics
import Foundation
import JSON
import Recipes
import TestSupport
import Testing

@testable import Runs
@testable import clues

/// `--without`: a client that is left out is as if it had not been handed in.
@Suite struct LeavingOutTests {
  private static let clients = ["a", "b", "c"].enumerated().map { MadeClient(name: $1, seed: UInt64($0 + 1)) }

  private func bench() throws -> Bench { try Bench(catalog: builtInCatalog(), threads: 2) }

  @Test func `the rest is merged as if it were all, and the record repeats it`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.clients, below: folder)
      let settings = [
        (path: "merge.method", value: "ties"), ("merge.space", "delta"), ("clients.0.weight", "2"),
        ("clients.1.weight", "0.5"),
      ]
      let all = TestMerge(inputs: paths, settings: settings + [("clients.2.weight", "1")])
      let recipe = try bench().leavingOut(["c"], of: all.recipe)
      #expect(recipe.clients.map(\.value.path.value) == Array(paths.prefix(2)))
      func run(_ recipe: Recipe, _ name: String) throws -> (record: RunOutcome, bytes: Data) {
        let output = folder.appending(path: name).path
        let record = try bench().run(recipe, output: output, replacing: false)
        return (record, try Data(contentsOf: URL(filePath: output + "/adapter_model.safetensors")))
      }
      let less = try run(recipe, "less")
      #expect(less.record.clients.map(\.name) == ["a", "b"] && less.record.bundles.map(\.name) == ["a", "b"])
      #expect(try less.bytes == run(TestMerge(inputs: Array(paths.prefix(2)), settings: settings).recipe, "two").bytes)
      let repeated = try Recipe.parse(less.record.recipe.text(), file: "")
      #expect(try less.bytes == run(repeated, "again").bytes)
    }
  }

  @Test func `names are those of recipe, bundle or file`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.clients, below: folder)
      try #"{"format": 1, "client": "clinic"}"#.write(
        toFile: paths[1] + "/clues.json", atomically: true, encoding: .utf8)
      try Data("broken".utf8).write(to: URL(filePath: paths[2] + "/adapter_config.json"))
      try FileManager.default.removeItem(atPath: paths[2] + "/adapter_model.safetensors")
      let recipe = try TestMerge(
        inputs: paths, settings: [("merge.method", "average"), ("clients.0.name", "first")]
      ).recipe
      for (name, left) in [("first", 0), ("clinic", 1), ("c", 2)] {
        let rest = try bench().leavingOut([name], of: recipe).clients.map(\.value.path.value)
        #expect(rest == paths.enumerated().filter { $0.offset != left }.map(\.element))
      }
      #expect(try bench().leavingOut(["first", "c"], of: recipe).clients.count == 1)
      for (names, message) in [
        (["b"], "--without: there is no client 'b'"), (["clinik"], "--without: there is no client 'clinik'"),
        (["first", "clinic", "c"], "no client remains: all are left out"),
      ] {
        let failure = try failure { try bench().leavingOut(names, of: recipe) }
        #expect(failure.kind == .usage && failure.message == message)
        if names == ["clinik"] { #expect(failure.advice == "did you mean 'clinic'?") }
      }
    }
  }

  @Test func `what cannot be without a client says so`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.clients, below: folder)
      let krum = try bench().leavingOut(
        ["b"], of: TestMerge(inputs: paths, settings: [("merge.method", "krum")]).recipe)
      let few = try failure { try bench().check(krum) }
      #expect(few.message == "the method 'krum' merges at least 3 adapters, but there are 2 (from merge.method)")
      let weighted = try TestMerge(
        inputs: paths,
        settings: [
          ("merge.method", "average"), ("clients.0.weight", "0"), ("clients.1.weight", "1"), ("clients.2.weight", "0"),
        ]
      ).recipe
      let nothing = try failure { try bench().leavingOut(["b"], of: weighted) }
      #expect(nothing.kind == .badRecipe && nothing.message.contains("the weights of all clients are 0"))
    }
  }

  @Test func `one name for two clients leaves none out`() throws {
    try withTemporaryFolder { folder in
      let paths = try [1, 2].map { try MadeClient(name: "out", seed: $0).write(below: folder, as: "\($0)/out") }
      let recipe = try TestMerge(inputs: paths, settings: [("merge.method", "average")]).recipe
      let failure = try failure { try bench().leavingOut(["out"], of: recipe) }
      #expect(failure.message == "--without: 2 clients are called 'out'")
    }
  }
}
