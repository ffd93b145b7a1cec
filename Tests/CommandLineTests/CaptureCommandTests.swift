import Foundation
import JSON
import TestSupport
import Testing

/// `clues capture` as a user types it, and what comes after it.
@Suite struct CaptureCommandTests {
  @Test func `from a Trainer folder and files of samples to the ids to keep`() throws {
    try withTemporaryFolder { folder in
      try Self.makeClient(in: folder)
      let arguments =
        ["capture", "outputs/c0", "--base", fixture("tiny/base"), "--train", "train.jsonl", "--anchor", "anchor.jsonl"]
        + ["--validation", "c0=validation.jsonl"]
      let shown = try clues(arguments + ["--show", "1"], in: folder)
      #expect(shown.status == 0 && shown.output.contains("*"), "\(shown.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/outputs/c0/ledger.jsonl"))
      let captured = try clues(arguments + ["--json"], in: folder)
      #expect(captured.status == 0, "\(captured.errors)")
      let report = try #require(try JSONReader().read(captured.output).objectValue)
      #expect(report["schema"] == "clues/capture/1" && report["checkpoints"] == [4, 8])
      let again = try clues(arguments, in: folder)
      #expect(again.status == 73 && again.errors.contains("--force"), "\(again.errors)")
      let scored = try clues(
        ["score", "outputs/c0", "--scorer", "clues", "-p", "preset=calibrated", "-o", "s.jsonl"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      let selected = try clues(["select", "s.jsonl", "--threshold", "anchor-mean", "-o", "kept"], in: folder)
      #expect(selected.status == 0, "\(selected.errors)")
      let selection = folder.path + "/kept/clues/selected/c0.txt"
      let kept = try String(contentsOfFile: selection, encoding: .utf8).split(separator: "\n")
      #expect(!kept.isEmpty && kept.allSatisfy { $0.hasPrefix("train-") }, "\(kept)")
    }
  }

  @Test(arguments: [
    (["--validation", "c0"], 64, "DOMAIN=FILE"), (["--validation", "a=v", "--validation", "a=v"], 64, "twice"),
    (["--max-length", "0"], 64, "at least 1"), (["--template", "vicuna"], 64, "vicuna"),
    (["--checkpoint", "5"], 64, "step 5"), (["--domain", "a/b"], 64, "a/b"),
    (["--train", "absent.jsonl"], 66, "absent"),
    (["--base", "absent"], 66, "absent"),
  ])
  func `what cannot be meant is refused before any work`(_ more: [String], _ status: Int32, _ words: String) throws {
    try withTemporaryFolder { folder in
      try Self.makeClient(in: folder)
      var arguments = ["capture", "outputs/c0"]
      for (name, value) in [("--base", fixture("tiny/base")), ("--train", "train.jsonl")] where !more.contains(name) {
        arguments += [name, value]
      }
      let result = try clues(arguments + more, in: folder)
      #expect(result.status == status && result.errors.contains(words), "\(result.status) \(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/outputs/c0/ledger.jsonl"))
    }
  }

  /// A Trainer folder, and its samples as tokens.
  static func makeClient(in folder: URL) throws {
    let files = FileManager.default
    try files.createDirectory(at: folder.appending(path: "outputs"), withIntermediateDirectories: true)
    try files.copyItem(atPath: fixture("tiny/c0"), toPath: folder.path + "/outputs/c0")
    for evidence in ["gradients", "ledger.jsonl", "samples.jsonl", "clues.json"] {
      for place in ["", "checkpoint-4/", "checkpoint-8/"] {
        let path = folder.path + "/outputs/c0/" + place + evidence
        if files.fileExists(atPath: path) { try files.removeItem(atPath: path) }
      }
    }
    let data = try JSONReader().read(try String(contentsOfFile: fixture("tiny/data.json"), encoding: .utf8))
    let client = try #require(data.objectValue?["c0"]?.objectValue)
    for (split, file) in [("train", "train"), ("anchor", "anchor"), ("val", "validation")] {
      let rows = try #require(client[split]?.arrayValue)
      let lines = rows.enumerated().map { number, row in
        var row = row.objectValue ?? JSONObject()
        row["id"] = .string("\(file)-\(number)")
        return JSONValue.object(row).text() + "\n"
      }
      try Data(lines.joined().utf8).write(to: folder.appending(path: file + ".jsonl"))
    }
  }
}
