import Foundation
import TestSupport
import Testing

/// Every command that a document shows in a block marked `sh` is run as it stands, one after the other, as a reader would.
@Suite struct DocumentTests {
  struct Document: CustomTestStringConvertible, Sendable {
    let path: String
    /// The blocks, each a script for the shell.
    let blocks: [String]
    var testDescription: String { path }
  }

  static let documents: [Document] = {
    ["README", "QuickStart", "Recipes", "Bundles", "Evidence", "Scoring", "CommandLine"].map { name in
      let path = name == "README" ? "README.md" : "Documentation/\(name).md"
      return Document(path: path, blocks: fenced("sh", in: path))
    }
  }()

  static let recipes = fenced("yaml", in: "Documentation/Recipes.md")

  /// What stands in the blocks of a document that are marked as `language`.
  static func fenced(_ language: String, in document: String) -> [String] {
    let text = try! String(contentsOf: repository.appending(path: document), encoding: .utf8)
    return text.components(separatedBy: "```\(language)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
  }

  @Test func `there are commands to run`() { #expect(Self.documents.reduce(0) { $0 + $1.blocks.count } >= 20) }

  @Test func `there are recipes to check`() { #expect(Self.recipes.count >= 10) }

  @Test(arguments: recipes) func `is a recipe whose plugins take its parameters`(_ recipe: String) throws {
    try withWorkingCopy { folder in
      try Data(recipe.utf8).write(to: folder.appending(path: "shown.yaml"))
      let result = try clues(["recipe", "check", "shown.yaml"], in: folder)
      #expect(result.status == 0, "\(recipe)\n\(result.errors)")
    }
  }

  @Test(arguments: documents) func `runs`(_ document: Document) throws {
    try withWorkingCopy { folder in
      // What a client's training left behind, and another one's with its model and its samples, as small as they can be.
      let output = folder.appending(path: "outputs/financial")
      try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
      for (name, source) in [
        ("outputs/medical", "trainer/notes"), ("SmolLM2-135M", "capture/base"), ("train.jsonl", "trainer/train.jsonl"),
        ("anchor.jsonl", "trainer/anchor.jsonl"), ("validation.jsonl", "trainer/validation.jsonl"),
      ] {
        try FileManager.default.copyItem(atPath: fixture(source), toPath: folder.appending(path: name).path)
      }
      let archive = folder.appending(path: "checkpoints/financial.tar.gz").path
      try #require(run("tar -xzf '\(archive)' -C outputs/financial", in: folder).status == 0)
      for block in document.blocks {
        let result = try run(block, in: folder)
        #expect(result.status == 0, "\(block): \(result.output)")
      }
    }
  }

  /// Runs a script in the shell, with the `clues` that was built along with the tests.
  private func run(_ script: String, in folder: URL) throws -> (status: Int32, output: String) {
    let binaries = URL(filePath: cluesExecutable).deletingLastPathComponent().path
    // What is said on both sides, in its order.
    let result = try TestSupport.run(
      "/bin/sh", ["-e", "-c", "exec 2>&1\n" + script], in: folder,
      environment: ["PATH": "\(binaries):/usr/bin:/bin", "HOME": folder.path])
    return (result.status, result.output)
  }
}
