import Diagnostics
import Foundation
import Recipes
import TestSupport
import Testing

/// Recipes as data: every file in Tests/Fixtures/recipes says in its first line what reading it must give.
@Suite struct RecipeFiles {
  struct Case: CustomTestStringConvertible {
    let file: String
    let text: String
    let expected: String
    let help: String?

    var testDescription: String { file }

    init(file: String) throws {
      self.file = file
      text = try String(contentsOfFile: fixture("recipes/\(file)"), encoding: .utf8)
      let lines = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
      expected = try #require(lines[0].split(separator: "# expect: ").first.map(String.init))
      help = lines.count > 1 && lines[1].hasPrefix("# help: ") ? String(lines[1].dropFirst("# help: ".count)) : nil
    }
  }

  static let cases: [Case] = try! FileManager.default.contentsOfDirectory(atPath: fixture("recipes"))
    .filter { $0.hasSuffix(".yaml") }.sorted().map { try! Case(file: $0) }

  @Test(arguments: cases) func reads(_ test: Case) throws {
    do {
      let recipe = try Recipe.parse(test.text, file: test.file)
      #expect(test.expected == "ok")
      let again = try Recipe.parse(recipe.text, file: test.file)
      #expect(again.text == recipe.text, "the canonical recipe must read back as itself")
    } catch let failure as Failure {
      #expect(failure.kind == .badRecipe)
      #expect(failure.file == test.file)
      let place = failure.position.map { "\($0.line):\($0.column): " } ?? ""
      #expect(place + failure.message == test.expected)
      if let help = test.help { #expect(failure.advice == help) }
    }
  }
}
