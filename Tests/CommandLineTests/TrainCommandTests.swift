import Foundation
import JSON
import TestSupport
import Testing

/// `clues train` as a user types it, and what comes after it.
@Suite struct TrainCommandTests {
  private static let arguments =
    ["train", "--base", fixture("training/llama/base"), "--data", fixture("training/data.jsonl")]
    + ["--learning-rate", "3e-3", "--batch", "4", "-o", "outputs/medical"]

  private func tree(_ folder: URL) throws -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return try names.reduce(into: [:]) { tree, name in
      var isFolder: ObjCBool = false
      let path = "\(folder.path)/\(name)"
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else { return }
      tree[name] = try Data(contentsOf: URL(filePath: path))
    }
  }

  @Test func `training and evidence in one command, then scores, and training on what is kept`() throws {
    try withTemporaryFolder { folder in
      let lines = try String(contentsOfFile: fixture("training/data.jsonl"), encoding: .utf8).split(separator: "\n")
      for (name, part) in [("t.jsonl", lines[..<6]), ("a.jsonl", lines[6..<8]), ("v.jsonl", lines[8...])] {
        let text = part.map { $0.replacing("\"s", with: "\"\(name.prefix(1))") + "\n" }.joined()
        try Data(text.utf8).write(to: folder.appending(path: name))
      }
      let trained = try clues(
        [
          "train", "--base", fixture("training/llama/base"), "--data", "t.jsonl", "--batch", "2", "--steps", "6",
          "--learning-rate", "1e-2", "--capture", "--anchor", "a.jsonl", "--validation", "medical=v.jsonl", "--json",
          "-o", "outputs/medical",
        ], in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let report = try #require(try JSONReader().read(trained.output).objectValue)
      #expect(report["schema"] == "clues/training/1" && report["checkpoints"] == [3, 6] && report["samples"] == 6)
      #expect(report["capture"]?.objectValue?["checkpoints"] == [3, 6])
      // The evidence is that of clues capture, afterwards.
      let evidence = ["--anchor", "a.jsonl", "--validation", "medical=v.jsonl"]
      for line in [
        [
          "train", "--data", "t.jsonl", "--batch", "2", "--steps", "6", "--learning-rate", "1e-2", "-o",
          "alone/medical",
        ],
        ["capture", "alone/medical", "--train", "t.jsonl"] + evidence,
      ] {
        let result = try clues(line + ["--base", fixture("training/llama/base")], in: folder)
        try #require(result.status == 0, "\(result.errors)")
      }
      for name in ["samples.jsonl", "ledger.jsonl"] {
        let both = try ["outputs", "alone"].map {
          try Data(contentsOf: folder.appending(path: "\($0)/medical/\(name)"))
        }
        #expect(both[0] == both[1] && both[0].count > 100)
      }
      let scored = try clues(
        ["score", "outputs/medical", "--scorer", "clues", "-p", "preset=calibrated", "-o", "s.jsonl"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      let selected = try clues(
        ["select", "s.jsonl", "--threshold", "top-ratio", "-p", "ratio=0.5", "-o", "kept"], in: folder)
      #expect(selected.status == 0, "\(selected.errors)")
      let again = try clues(
        [
          "train", "--base", fixture("training/llama/base"), "--data", "t.jsonl", "--keep",
          "kept/clues/selected/medical.txt", "--epochs", "1", "--json", "-o", "outputs/kept",
        ], in: folder)
      #expect(again.status == 0, "\(again.errors)")
      #expect(try JSONReader().read(again.output).objectValue?["samples"] == 3)
      let inspected = try clues(["inspect", "outputs/kept"], in: folder)
      #expect(inspected.status == 0, "\(inspected.errors)")
    }
  }

  @Test func `progress has the loss and the speed`() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        Self.arguments + ["--steps", "400", "--save-steps", "400", "--progress", "json"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = try result.errors.split(separator: "\n").map { try JSONReader().read(String($0)) }
      let end = try #require(lines.compactMap(\.objectValue).last { $0["type"] == "end" && $0["stage"] == "training" })
      #expect(end["unit"] == "steps" && end["done"] == 400)
      #expect(try #require(end["loss"]?.doubleValue) > 0 && end["tokens_per_second"]?.doubleValue ?? 0 > 0)
      #expect(result.output.contains("The adapter is in outputs/medical: 400 steps on 10 samples"))
    }
  }

  @Test func `samples are shown and nothing is trained`() throws {
    try withTemporaryFolder { folder in
      let shown = try clues(Self.arguments + ["--show", "1"], in: folder)
      #expect(shown.status == 0 && shown.output.contains("*"), "\(shown.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/outputs"))
    }
  }

  @Test(arguments: [
    (["--steps", "5", "--epochs", "1"], 64, "give one"), (["--anchor", "a.jsonl"], 64, "for --capture"),
    (["--targets", "q_proj,nothing"], 64, "'nothing'"), (["--batch", "0"], 64, "a batch"),
    (["--schedule", "polynomial"], 64, "polynomial"), (["--init", "absent"], 66, "absent"),
    (["--init", fixture("training/llama/start"), "--rank", "4"], 64, "gone on from"),
    (["--keep", "absent.txt"], 66, "absent.txt"), (["--max-length", "0"], 64, "at least 1"),
  ])
  func `what cannot be meant is refused before any work`(_ more: [String], _ status: Int32, _ words: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(Self.arguments + more, in: folder)
      #expect(result.status == status && result.errors.contains(words), "\(result.status) \(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/outputs"))
    }
  }

  /// SIGKILL again and again, then to the end: the files are those of a training that nobody disturbed.
  @Test func `a training that is killed goes on to the same bytes`() throws {
    let arguments = Self.arguments + ["--steps", "240", "--save-steps", "20", "--dropout", "0.1", "--seed", "9"]
    try withTemporaryFolder { folder in
      let whole = folder.appending(path: "whole")
      let killed = folder.appending(path: "killed")
      for place in [whole, killed] {
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      }
      let start = ContinuousClock.now
      let undisturbed = try clues(arguments, in: whole)
      #expect(undisturbed.status == 0, "\(undisturbed.errors)")
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let truth = try tree(whole.appending(path: "outputs/medical"))
      #expect(truth.count == 12 * 6 + 2)
      var kills = 0
      for attempt in 0..<12 {
        let process = try TestSupport.start(cluesExecutable, arguments, in: killed)
        // Short and long ones: before the first checkpoint, within one, between two.
        Thread.sleep(forTimeInterval: seconds * (0.15 + 0.05 * Double(attempt % 5)) + 0.013 * Double(attempt))
        if process.isRunning {
          kill(process.processIdentifier, SIGKILL)
          kills += 1
        }
        process.waitUntilExit()
      }
      let last = try clues(arguments, in: killed)
      #expect(last.status == 0, "\(last.errors)")
      #expect(kills >= 3)
      #expect(try tree(killed.appending(path: "outputs/medical")) == truth)
    }
  }
}
