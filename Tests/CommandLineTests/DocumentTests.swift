import Foundation
import TestSupport
import Testing

/// Every command that a document shows in a block marked `sh` is run as it stands.
@Suite struct DocumentTests {
  struct Block: CustomTestStringConvertible, Sendable {
    let document: String
    let commands: [String]
    var testDescription: String { "\(document): \(commands.first ?? "")" }
  }

  static let blocks: [Block] = {
    ["README.md", "Documentation/Recipes.md", "Documentation/Bundles.md", "Documentation/CommandLine.md"].flatMap { document in
      fenced("sh", in: document).map { body in
        Block(document: document, commands: body.components(separatedBy: "\n").filter { $0.hasPrefix("clues ") })
      }
    }
  }()

  static let recipes = fenced("yaml", in: "Documentation/Recipes.md")

  /// What stands in the blocks of a document that are marked as `language`.
  static func fenced(_ language: String, in document: String) -> [String] {
    let text = try! String(contentsOf: repository.appending(path: document), encoding: .utf8)
    return text.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
  }

  @Test func `there are commands to run`() { #expect(Self.blocks.count >= 10) }

  @Test func `there are recipes to check`() { #expect(Self.recipes.count >= 10) }

  @Test(arguments: recipes) func `is a recipe whose plugins take its parameters`(_ recipe: String) throws {
    try withWorkingCopy { folder in
      try Data(recipe.utf8).write(to: folder.appending(path: "shown.yaml"))
      let result = try clues(["recipe", "check", "shown.yaml"], in: folder)
      #expect(result.status == 0, "\(recipe)\n\(result.errors)")
    }
  }

  @Test(arguments: blocks) func `runs`(_ block: Block) throws {
    try withWorkingCopy { folder in
      for command in block.commands {
        let result = try clues(command.split(separator: " ").dropFirst().map(String.init), in: folder)
        #expect(result.status == 0, "\(command): \(result.errors)")
      }
    }
  }
}
