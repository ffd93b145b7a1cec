import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Bundles

/// Evidence in the wrong folder is noticed, by whoever reads the bundle and by whoever packs it.
@Suite struct MisplacedEvidenceTests {
  /// A run without evidence but for `files`.
  private func bare(_ files: String...) -> Tree {
    run().filter { !$0.key.contains("gradients/") && !$0.key.hasSuffix("optimizer.pt") }
      .merging(files.map { ($0, "{}\n") }) { $1 }
  }

  private func open(_ tree: Tree, name: String = "medical", wrapped: Bool = false) throws -> Bundle {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: name).fill(wrapped ? tree.wrapped(in: "inside") : tree).path
      return try Bundle.open(path, wanting: [.adapter])
    }
  }

  @Test(
    arguments: [
      ("checkpoint-30/ledger.jsonl", Part.ledger, "a ledger belongs at the root of the bundle"),
      ("checkpoint-30/gradients/ledger.jsonl", .ledger, "a ledger belongs at the root of the bundle"),
      ("evidence/ledger.jsonl", .ledger, "a ledger belongs at the root of the bundle"),
      ("checkpoint-15/samples.jsonl", .samples, "it belongs at the root of the bundle"),
      ("gradients/train.safetensors", .gradients, "it belongs in checkpoint-N/gradients"),
      ("gradients/validation.medical.safetensors", .gradients, "it belongs in checkpoint-N/gradients"),
      ("anchor.safetensors", .gradients, "it belongs in checkpoint-N/gradients"),
      ("checkpoint-30/train.safetensors", .gradients, "it belongs in checkpoint-N/gradients"),
      ("optimizer.pt", .optimizers, "it belongs in the checkpoint-N of the same step"),
      ("checkpoint-30/state/optimizer.pt", .optimizers, "it belongs in the checkpoint-N of the same step"),
    ], [false, true])
  func `a file in the wrong folder is noted, and refused where it is wanted`(
    _ stray: (path: String, part: Part, place: String), _ wrapped: Bool
  ) throws {
    let bundle = try open(bare(stray.path), wrapped: wrapped)
    #expect(bundle.misplaced.map(\.path) == [stray.path] && bundle.misplaced.map(\.part) == [stray.part])
    let note = try #require(bundle.notes.first { $0.hasPrefix("'\(stray.path)' is not read: ") }, "\(bundle.notes)")
    #expect(note.contains(stray.place))
    let failure = try failure { try bundle.refuseMisplaced([.ledger, .samples, .gradients, .optimizers]) }
    #expect(failure.kind == .badData && failure.message == "is in a place where it would not be read")
    #expect(failure.advice?.hasPrefix(stray.place) == true)
    #expect(failure.file?.hasSuffix((wrapped ? "inside/" : "medical/") + stray.path) == true, "\(failure)")
    try bundle.refuseMisplaced(Set(Part.allCases).subtracting([stray.part]))
  }

  @Test func `what is in its place too is noted only`() throws {
    var tree = run()
    tree["ledger.jsonl"] = "{}\n"
    for path in ["checkpoint-15/ledger.jsonl", "checkpoint-30/ledger.jsonl", "old/optimizer.pt"] { tree[path] = "x" }
    let bundle = try open(tree)
    try bundle.refuseMisplaced(Set(Part.allCases))
    #expect(
      bundle.notes.contains(
        "'checkpoint-15/ledger.jsonl' is not read (nor are 1 more like it): a ledger belongs at the root of the bundle, "
          + "one for all checkpoints"), "\(bundle.notes)")
    #expect(bundle.notes.contains { $0.hasPrefix("'old/optimizer.pt' is not read: ") })
  }

  @Test func `everything in its place is nothing to note`() throws {
    var tree = run()
    tree["ledger.jsonl"] = "{}\n"
    tree["samples.jsonl"] = #"{"id": "a", "split": "train"}"# + "\n"
    #expect(try open(tree).misplaced == [])
    // A checkpoint given by itself has its files at its root.
    let one = Tree(
      uniqueKeysWithValues: run(steps: [30], isFinal: false).compactMap { path, content in
        path.hasPrefix("checkpoint-30/") ? (String(path.dropFirst(14)), content) : nil
      })
    #expect(try open(one, name: "checkpoint-30").misplaced == [])
  }

  @Test func `packing refuses what would be lost, and notes what stays anyway`() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(
        bare("checkpoint-30/ledger.jsonl", "gradients/train.safetensors")
      ).path
      let output = folder.appending(path: "packed.tar").path
      var writer = BundleWriter()
      writer.leavingOut = [.gradients, .optimizers]
      let failure = try failure { try writer.pack(source, to: output) }
      #expect(failure.file?.hasSuffix("medical/checkpoint-30/ledger.jsonl") == true, "\(failure)")
      writer.leavingOut.insert(.ledger)
      let list = try writer.pack(source, to: output)
      #expect(list.notes.count == 2 && list.notes.contains { $0.contains("'gradients/train.safetensors' is not read") })
    }
  }
}
