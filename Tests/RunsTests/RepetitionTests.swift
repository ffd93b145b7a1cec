import Foundation
import PluginHost
import Recipes
import TestSupport
import Testing

@testable import Runs

/// Every method in every space that it works in repeats from the record of its run.
@Suite struct MethodRepetitionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let method: String
    /// Nil where nobody says it, and the method's own holds.
    let space: String?
    var testDescription: String { "\(method) in \(space ?? "its own space")" }
  }

  static let cases = try! builtInCatalog().mergeMethods.flatMap { plugin in
    [Case(method: plugin.about.id, space: nil)]
      + plugin.spaces.map { Case(method: plugin.about.id, space: $0.rawValue) }
  }

  @Test(arguments: cases) func `repeats`(_ test: Case) throws {
    let count = test.method == "slerp" ? 2 : 3
    let inputs = ["a", "b", "c"].prefix(count).map { fixture("peft/adapters/\($0)") }
    var settings: [(path: String, value: String)] = [("merge.method", test.method)]
    if let space = test.space { settings.append(("merge.space", space)) }
    try withTemporaryFolder { folder in
      let bench = try Bench(catalog: builtInCatalog(), threads: 2)
      let first = folder.appending(path: "first").path
      let second = folder.appending(path: "second").path
      let record = try bench.run(
        TestMerge(inputs: inputs, settings: settings).recipe, output: first, replacing: false)
      let recipe = try Recipe.read(path: first)
      #expect(recipe.isRecorded)
      #expect(recipe.merge?.space?.value.rawValue == record.merge?.space)
      #expect((recipe.merge?.split != nil) == (record.merge?.space == "factors"))
      let again = try bench.run(recipe, output: second, replacing: false)
      for name in ["adapter_model.safetensors", "adapter_config.json"] {
        #expect(
          try Data(contentsOf: URL(filePath: "\(first)/\(name)"))
            == Data(contentsOf: URL(filePath: "\(second)/\(name)")))
      }
      // The record of the repetition is the same recipe.
      #expect(again.recipe == record.recipe)
    }
  }
}
