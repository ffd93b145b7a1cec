import Foundation
import TestSupport
import Testing

/// What `make demo-model` does once the model is there, with a model and a client that are as small as they can be.
@Suite struct DemoModelTests {
  @Test func `from a model and data to the ids to keep`() throws {
    try withTemporaryFolder { folder in
      try Self.makeRepository(in: folder)
      let result = try clues(
        [folder.path + "/scripts/demo-model", cluesExecutable, fixture("capture/base")], in: folder,
        executable: "/bin/sh")
      #expect(result.status == 0, "\(result.output)\n\(result.errors)")
      let ids = try String(
        contentsOfFile: folder.path + "/runs/demo-model/selection/clues/selected/medical.txt", encoding: .utf8
      ).split(separator: "\n")
      #expect(!ids.isEmpty && ids.count < 12)
      #expect(result.output.contains("\n  medical: \(ids.count) of 12\n"), "\(result.output)")
      #expect(ids.allSatisfy { result.output.contains("\n  \($0)\n") })
      #expect(result.output.contains("$ clues capture runs/demo-model/medical") && result.output.contains("precision"))
      // Once more, over what is there.
      let again = try clues(
        [folder.path + "/scripts/demo-model", cluesExecutable, fixture("capture/base")], in: folder,
        executable: "/bin/sh")
      #expect(again.status == 0 && again.output == result.output, "\(again.errors)")
    }
  }

  /// The data of the real one: every sample is in the form that its template reads, and the moments are the checkpoint's.
  @Test func `the committed data are what the client's checkpoint needs`() throws {
    try withWorkingCopy { folder in
      let packed = try clues(
        ["pack", "checkpoints/medical.tar.zst", "--without", "ledger,samples", "-o", "m.tar"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      _ = try run("tar", ["-xf", "m.tar", "checkpoint-30"], in: folder)
      try FileManager.default.copyItem(
        atPath: folder.path + "/checkpoints/medical-data/optimizer-30.pt",
        toPath: folder.path + "/checkpoint-30/optimizer.pt")
      let inspected = try clues(["inspect", "checkpoint-30"], in: folder)
      #expect(inspected.status == 0, "\(inspected.output)\(inspected.errors)")
      let labels = try String(contentsOfFile: folder.path + "/checkpoints/labels.jsonl", encoding: .utf8)
      let train = try String(contentsOfFile: folder.path + "/checkpoints/medical-data/train.jsonl", encoding: .utf8)
      let ids = train.split(separator: "\n").compactMap { $0.firstMatch(of: #/"id": "([^"]+)"/#)?.1 }
      #expect(ids.count == 8 && ids.allSatisfy { labels.contains("\"\($0)\"") })
    }
  }

  /// The script, and below `checkpoints` what it reads, of the client that the Trainer made for the tests.
  private static func makeRepository(in folder: URL) throws {
    let files = FileManager.default
    for name in ["scripts", "checkpoints/medical-data", "medical"] {
      try files.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    func copy(_ source: URL, _ name: String) throws {
      try files.copyItem(at: source, to: folder.appending(path: name))
    }
    let (trainer, data) = (URL(filePath: fixture("trainer")), "checkpoints/medical-data")
    try copy(repository.appending(path: "scripts/demo-model"), "scripts/demo-model")
    try files.createSymbolicLink(
      at: folder.appending(path: "recipes"), withDestinationURL: repository.appending(path: "recipes"))
    let packed = try clues(
      ["pack", trainer.path + "/notes", "--client", "medical", "-o", folder.path + "/checkpoints/medical.tar.zst"])
    #expect(packed.status == 0, "\(packed.errors)")
    try copy(trainer.appending(path: "notes/checkpoint-4/optimizer.pt"), data + "/optimizer-4.pt")
    try copy(trainer.appending(path: "train.jsonl"), data + "/train.jsonl")
    try copy(trainer.appending(path: "anchor.jsonl"), data + "/anchor.jsonl")
    for domain in ["medical", "financial"] {
      try copy(trainer.appending(path: "validation.jsonl"), data + "/validation-\(domain).jsonl")
    }
    let labels = (0..<12).map { #"{"client": "medical", "id": "\#($0)", "clean": \#($0 % 3 != 2)}"# + "\n" }
    try Data(labels.joined().utf8).write(to: folder.appending(path: "checkpoints/labels.jsonl"))
  }
}
