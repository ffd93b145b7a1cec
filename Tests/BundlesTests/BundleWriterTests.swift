import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Bundles

@Suite struct BundleWriterTests {
  static let endings = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".zip"]

  private let tree = run(steps: [5, 30, 100]).merging([
    "samples.jsonl": "{\"split\": \"train\", \"domain\": \"law\"}\n{\"split\": \"train\"}\n{\"split\": \"anchor\"}\n",
    "ledger.jsonl": "{}\n",
  ]) { $1 }

  @Test(arguments: endings)
  func comesBackAsItWas(_ ending: String) throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      let output = folder.appending(path: "packed\(ending)").path
      let list = try BundleWriter().pack(source, to: output)
      let original = try Bundle.open(source, wanting: Set(Part.allCases))
      let packed = try Bundle.open(output, wanting: Set(Part.allCases))
      #expect(packed.client == "medical")
      #expect(packed.domain == "law")
      #expect(packed.manifest?.samples == ["train": 2, "anchor": 1])
      #expect(packed.manifest == list.manifest)
      let contents = try packed.files.dropFirst().map { "\($0.path) \(try $0.bytes().text)" }
      #expect(contents == (try original.files.map { "\($0.path) \(try $0.bytes().text)" }))
      #expect(packed.files.map(\.path) == list.packed.map(\.path))
      #expect(packed.files.map(\.size) == list.packed.map(\.bytes))
      #expect(packed.ignored == [])
      #expect(list.archiveBytes == (try Data(contentsOf: URL(filePath: output)).count))
      #expect(Set(list.leftOut.map(\.path)).isSuperset(of: ["README.md", "training_args.bin"]))
      #expect(list.leftOut.allSatisfy { $0.reason == .unknown })
    }
  }

  @Test(arguments: endings)
  func givesTheSameBytesForTheSameInput(_ ending: String) throws {
    try withTemporaryFolder { folder in
      let outputs = try (0..<2).map { number in
        let source = try folder.appending(path: "\(number)/medical").fill(tree)
        let date = Date(timeIntervalSince1970: 1_000_000_000 * Double(number))
        for name in tree.keys {
          try FileManager.default.setAttributes(
            [.modificationDate: date, .posixPermissions: number == 0 ? 0o600 : 0o755],
            ofItemAtPath: source.appending(path: name).path)
        }
        let output = folder.appending(path: "packed\(number)\(ending)").path
        _ = try BundleWriter().pack(source.path, to: output)
        return try Data(contentsOf: URL(filePath: output))
      }
      #expect(outputs[0] == outputs[1])
      // Packing what was packed changes nothing either.
      let again = folder.appending(path: "again\(ending)")
      _ = try BundleWriter().pack(folder.appending(path: "packed0\(ending)").path, to: again.path)
      #expect(try Data(contentsOf: again) == outputs[0])
    }
  }

  @Test func ordersWhatAStreamingReaderNeedsFirst() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      let output = folder.appending(path: "packed.tar").path
      let list = try BundleWriter().pack(source, to: output)
      var order: [String] = []
      _ = try ArchiveReader(output).read(wanting: { _ in false }) { entry, _ in order.append(entry.path) }
      #expect(order == list.packed.map(\.path))
      #expect(
        order.prefix(7) == [
          "clues.json", "adapter_config.json", "adapter_model.safetensors", "samples.jsonl", "ledger.jsonl",
          "checkpoint-5/adapter_config.json", "checkpoint-5/adapter_model.safetensors",
        ])
      #expect(order.last == "checkpoint-100/gradients/validation.medical.safetensors")
    }
  }

  @Test func leavesOutWhatShallStayAtHome() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      let output = folder.appending(path: "packed.tar.zst").path
      var writer = BundleWriter()
      writer.leavingOut = Set(BundleWriter.optionalParts)
      let list = try writer.pack(source, to: output)
      let packed = try Bundle.open(output, wanting: Set(Part.allCases))
      #expect(packed.files.count == 1 + 2 + 3 * 2)
      #expect(packed.samples == nil && packed.ledger == nil)
      #expect(packed.checkpoints.allSatisfy { $0.optimizer == nil && $0.trainerState == nil && $0.gradients.isEmpty })
      #expect(packed.domain == "law")
      #expect(packed.manifest?.samples == ["train": 2, "anchor": 1])
      #expect(list.leftOut.filter { $0.reason == .part(.gradients) }.count == 9)
      #expect(list.leftOut.contains(.init(path: "ledger.jsonl", bytes: 3, reason: .part(.ledger))))
      writer.leavingOut = [.adapter]
      #expect(try failure { try writer.pack(source, to: output) }.kind == .usage)
    }
  }

  @Test func changesFilesOnTheirWayIn() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      let output = folder.appending(path: "packed.zip").path
      var writer = BundleWriter()
      writer.client = "clinic"
      writer.domain = "medicine"
      writer.transform = { path, bytes in
        path.hasSuffix("adapter_model.safetensors") ? Bytes(Array("half".utf8)) : bytes
      }
      _ = try writer.pack(source, to: output)
      let packed = try Bundle.open(output, wanting: Set(Part.allCases))
      #expect(packed.client == "clinic")
      #expect(packed.domain == "medicine")
      #expect(try packed.adapter?.weights.bytes().text == "half")
      #expect(try packed.checkpoints[0].adapter.weights.bytes().text == "half")
      #expect(try packed.checkpoints[0].optimizer?.bytes().text == "moments at 5")
    }
  }

  @Test func neverReplacesAFileUnasked() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      let output = try folder.file("packed.tar", Array("precious".utf8))
      var writer = BundleWriter()
      let failure = try failure { try writer.pack(source, to: output) }
      #expect(failure.kind == .cannotWrite)
      #expect(failure.message == "the output exists already")
      #expect(try String(contentsOfFile: output, encoding: .utf8) == "precious")
      writer.replaces = true
      _ = try writer.pack(source, to: output)
      #expect(try Bundle.open(output, wanting: []).client == "medical")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["medical", "packed.tar"])
    }
  }

  @Test func leavesNothingBehindWhenItFails() throws {
    try withTemporaryFolder { folder in
      let source = try folder.appending(path: "medical").fill(tree).path
      var writer = BundleWriter()
      writer.transform = { path, _ in throw Failure(.badData, "cannot be changed") }
      let failed = try failure { try writer.pack(source, to: folder.appending(path: "packed.tar").path) }
      #expect(failed.file?.hasPrefix(source) == true)
      #expect(
        try failure { try BundleWriter().pack(source, to: folder.appending(path: "packed.rar").path) }.kind == .usage)
      let nowhere = folder.appending(path: "no/folder/packed.tar").path
      #expect(try failure { try BundleWriter().pack(source, to: nowhere) }.kind == .cannotWrite)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["medical"])
    }
  }

  @Test func packsARunThatOthersWrote() throws {
    try withTemporaryFolder { folder in
      for ending in [".tar", ".tar.zst"] {
        let output = folder.appending(path: "c0\(ending)").path
        _ = try BundleWriter().pack(fixture("tiny/c0"), to: output)
        let original = try Bundle.open(fixture("tiny/c0"), wanting: Set(Part.allCases))
        let packed = try Bundle.open(output, wanting: Set(Part.allCases))
        #expect(packed.checkpoints.map(\.step) == [4, 8])
        for (ours, theirs) in zip(packed.files.dropFirst(), original.files) {
          #expect(ours.path == theirs.path)
          #expect(try ours.bytes().array == theirs.bytes().array)
        }
      }
    }
  }
}
