import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Bundles

/// A folder of several clients is not one client, and a folder of several adapters is not several clients.
@Suite struct SeveralClientsTests {
  private static func adapter(_ folder: String) -> Tree {
    ["\(folder)/adapter_config.json": "{}", "\(folder)/adapter_model.safetensors": "weights of \(folder)"]
  }

  private static func merged(_ trees: Tree...) -> Tree { trees.reduce(into: [:]) { $0.merge($1) { a, _ in a } } }

  struct Case: CustomTestStringConvertible {
    var testDescription: String
    let tree: Tree
    let message: String
    let advice: [String]
    let adviceOfArchive = "pack each by itself"
  }

  static let clients: [Case] = [
    Case(
      testDescription: "a run and an adapter", tree: merged(run().wrapped(in: "alice"), adapter("bob")),
      message: "holds the bundles of 2 clients ('alice', 'bob'), not that of one", advice: ["in/*"]),
    Case(
      testDescription: "checkpoints only", tree: merged(run(isFinal: false).wrapped(in: "a"), run().wrapped(in: "b")),
      message: "holds the bundles of 2 clients ('a', 'b'), not that of one", advice: ["in/*"]),
    Case(
      testDescription: "adapters with samples",
      tree: merged(adapter("a"), adapter("b"), adapter("c"), adapter("d"), ["b/samples.jsonl": ""]),
      message: "holds the bundles of 4 clients ('a', 'b', 'c', …), not that of one", advice: ["in/*"]),
    Case(
      testDescription: "adapters from the Hub", tree: merged(adapter("a"), adapter("b"), ["a/README.md": "# a"]),
      message: "holds the bundles of 2 clients ('a', 'b'), not that of one", advice: ["in/*"]),
    Case(
      testDescription: "runs of Clues", tree: merged(adapter("a"), adapter("b"), ["a/clues/run.json": "{}"]),
      message: "holds the bundles of 2 clients ('a', 'b'), not that of one", advice: ["in/*"]),
    Case(
      testDescription: "archives beside a note", tree: ["a.tar.zst": "x", "b.tar.zst": "y", "README.md": "#"],
      message: "holds the bundles of 2 clients ('a.tar.zst', 'b.tar.zst'), not that of one", advice: ["in/*.tar.zst"]),
    Case(
      testDescription: "one archive", tree: ["a.zip": "x", "note.txt": ""],
      message: "holds no adapter, but the archive 'a.zip'", advice: ["in/*.zip"]),
    Case(
      testDescription: "archives and runs", tree: merged(run().wrapped(in: "a"), ["b.zip": "", "notes.txt": ""]),
      message: "holds the bundles of 2 clients ('a', 'b.zip'), not that of one", advice: ["in/{a,b.zip}"]),
    Case(
      testDescription: "folders beside a note", tree: merged(run().wrapped(in: "a"), adapter("b"), ["notes.txt": ""]),
      message: "holds the bundles of 2 clients ('a', 'b'), not that of one", advice: ["in/*/"]),
    Case(
      testDescription: "nothing but adapters", tree: merged(adapter("code"), adapter("math"), ["README.md": "# peft"]),
      message: "holds 2 adapters: 'code' and 'math'", advice: ["--adapter code, or INPUT#code", "in/*"]),
    Case(
      testDescription: "an adapter and an archive", tree: merged(adapter("math"), ["old.tar": ""]),
      message: "holds several adapters or bundles: 'math' and 'old.tar'", advice: ["--adapter math", "in/*"]),
  ]

  @Test(arguments: clients) func `is refused with the way out`(_ one: Case) throws {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: "in").fill(one.tree).path
      for path in [path, path + "/"] {
        let failure = try failure { try Bundle.open(path, wanting: [.adapter, .samples]) }
        #expect(failure.kind == .badData && failure.file == path)
        #expect(failure.message == one.message)
        for words in one.advice { #expect(failure.advice?.contains(words) == true, "\(failure.advice ?? "")") }
      }
      // In a folder around it, too; and in an archive, where no pattern helps.
      let around = try folder.appending(path: "around").fill(one.tree.wrapped(in: "in")).path
      let wrapped = try failure { try Bundle.open(around, wanting: [.adapter]) }
      #expect(wrapped.message == one.message && wrapped.advice?.contains("around/in/") == true, "\(wrapped)")
      let archive = folder.appending(path: "in.zip").path
      try writeArchive(one.tree, as: .zipStored, to: archive)
      let packed = try failure { try Bundle.open(archive, wanting: [.adapter]) }
      #expect(packed.message == one.message && packed.advice?.contains(one.adviceOfArchive) == true, "\(packed)")
    }
  }

  @Test(
    arguments: [
      ("named adapters of one run", merged(adapter("a"), adapter("b"), ["samples.jsonl": "", "clues.json": "{}"])),
      ("named adapters beside a tokenizer", merged(adapter("a"), adapter("b"), ["tokenizer.json": ""])),
      ("one named adapter", merged(adapter("a"), ["README.md": ""])),
      (
        "an adapter at the root",
        merged(run(steps: []), adapter("a"), adapter("b"), ["a/README.md": "", "old.zip": ""])
      ),
      ("checkpoints at the root", merged(run(isFinal: false), ["old.zip": "", "a/README.md": ""])),
    ] as [(String, Tree)])
  func `is one client`(_ name: String, _ tree: Tree) throws {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: "in").fill(tree).path
      do {
        _ = try Bundle.open(path, wanting: [.adapter])
      } catch let failure as Failure {
        #expect(!failure.message.contains("clients") && failure.advice?.contains("in/") != true, "\(failure)")
      }
    }
  }

  @Test func `a named adapter is taken from any of these when it is asked for`() throws {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: "in").fill(Self.merged(run().wrapped(in: "alice"), Self.adapter("bob")))
        .path
      let bundle = try Bundle.open(path, wanting: [.adapter], adapter: "bob")
      #expect(try bundle.adapter?.weights.bytes().text == "weights of bob")
    }
  }
}
