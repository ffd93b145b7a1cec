import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Names and texts from other people's files forge no line and fill no screen, wherever they are shown.
@Suite struct ForeignTextTests {
  /// A line break, what steers a terminal, and a word without end.
  static let forged = "a\n/home/me/secret\u{1B}[2J"
  static let long = String(repeating: "y", count: 3000)

  private func expectHarmless(_ result: CommandResult, sourceLocation: SourceLocation = #_sourceLocation) {
    for text in [result.output, result.errors] {
      #expect(
        !text.split(separator: "\n").contains { $0.hasPrefix("/home/me") }, "\(text)", sourceLocation: sourceLocation)
      #expect(!text.contains("\u{1B}"), sourceLocation: sourceLocation)
      #expect(!text.contains(String(repeating: "y", count: 400)), "\(text)", sourceLocation: sourceLocation)
    }
  }

  private func weights(_ names: [String]) -> [UInt8] {
    Array(
      safetensors(
        Dictionary(uniqueKeysWithValues: names.map { ($0, Tensor([1, 1, 1, 1], shape: [2, 2], dtype: .f32)) }),
        metadata: [:]))
  }

  /// An adapter whose base model, modules and files are named by a stranger.
  private func client(_ name: String, in folder: URL) throws {
    let modules = ["m.\(Self.forged)", "m.\(Self.long)"]
    let place = folder.appending(path: name)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let config: [String: Any] = [
      "peft_type": "LORA", "r": 2, "lora_alpha": 2, "base_model_name_or_path": Self.forged + " " + Self.long,
      "target_modules": modules,
    ]
    try JSONSerialization.data(withJSONObject: config).write(to: place.appending(path: "adapter_config.json"))
    _ = try place.file(
      "adapter_model.safetensors",
      weights(modules.flatMap { ["base_model.model.\($0).lora_A.weight", "base_model.model.\($0).lora_B.weight"] }))
  }

  @Test func inTablesOfTensors() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("n.safetensors", weights([Self.forged, Self.long]))
      let result = try clues(["inspect", path], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("a\\u{a}/home/me/secret\\u{1b}[2J"), "\(result.output)")
      expectHarmless(result)
    }
  }

  @Test func inWhatCommandsSayOfAdapters() throws {
    try withTemporaryFolder { folder in
      try client("one", in: folder)
      try client("two", in: folder)
      expectHarmless(try clues(["inspect", "one"], in: folder))
      let merge = ["merge", "one", "two", "--method"]
      for rest in [["average", "--dry-run"], ["average", "-o", "out"], ["ties", "-o", "ties"]] {
        expectHarmless(try clues(merge + rest, in: folder))
      }
      expectHarmless(try clues(["pack", "one", "-o", "one.zip"], in: folder))
      expectHarmless(try clues(["score", "one", "--scorer", "clues"], in: folder))
      // The model card is Markdown that others show: no line of a stranger's in it.
      if let card = try? String(contentsOf: folder.appending(path: "out/README.md"), encoding: .utf8) {
        #expect(!card.split(separator: "\n").contains { $0.hasPrefix("/home/me") })
      }
    }
  }

  /// A command line may come from a script, and a folder's name from a stranger.
  @Test func inWhatWasTyped() throws {
    try withTemporaryFolder { folder in
      let unknown = try clues([Self.forged], in: folder)
      #expect(unknown.status == 64)
      expectHarmless(unknown)
      for tail in ["", "\u{9B}2J\u{202E}"] {
        let output = "o\n" + Self.forged.replacing("/", with: "") + tail
        let merged = try clues(["merge", fixture("tiny/c0"), "--method", "average", "-o", output], in: folder)
        #expect(merged.status == 0, "\(merged.errors)")
        #expect(merged.output.contains(#"The merged adapter is in o\u{a}a\u{a}home"#), "\(merged.output)")
        #expect(!merged.output.unicodeScalars.contains { $0 == "\u{9B}" || $0 == "\u{202E}" })
      }
    }
  }

  private func ledger(_ id: String, _ domain: String) -> String {
    (0..<4).map { row in
      let object: [String: Any] = [
        "checkpoint": 1, "split": row < 2 ? "train" : "anchor", "id": "\(id)\(row)", "domain": domain, "loss": 1 + row,
        "tokens": 3,
      ]
      let data = (try? JSONSerialization.data(withJSONObject: object)) ?? Data()
      return String(decoding: data, as: UTF8.self) + "\n"
    }.joined()
  }

  @Test func inScores() throws {
    try withTemporaryFolder { folder in
      let checkpoint = folder.appending(path: "one/checkpoint-1")
      try FileManager.default.createDirectory(
        at: checkpoint.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: fixture("peft/adapters/a"), toPath: checkpoint.path)
      let place = folder.appending(path: "one/ledger.jsonl")
      // An id is a line of a file, so that one with a break in it is refused where it is read.
      try ledger("a\nb", "d").write(to: place, atomically: true, encoding: .utf8)
      let refused = try clues(["score", "one", "--scorer", "loss", "-q"], in: folder)
      #expect(refused.status == 65)
      #expect(refused.errors.contains("contains a line break or another control character"), "\(refused.errors)")
      // What turns the reading direction may stand in honest ids; it is written out.
      try ledger("a\u{202E}", "d\u{9B}2J\u{2028}").write(to: place, atomically: true, encoding: .utf8)
      let scored = try clues(["score", "one", "--scorer", "loss", "-q"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      #expect(scored.output.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) || $0 == "\n" })
      _ = try folder.file("s.jsonl", Array(scored.output.utf8))
      let selected = try clues(["select", "s.jsonl"], in: folder)
      #expect(selected.status == 0, "\(selected.errors)")
      expectHarmless(selected)
    }
  }

  @Test func inFailures() throws {
    let failure = Failure(
      .badData, "holds '\(Self.long)'", advice: Self.long, client: Self.long, file: Self.forged + Self.long,
      tensor: Self.forged + Self.long)
    #expect(!failure.description.contains(String(repeating: "y", count: 400)))
    #expect(failure.description.split(separator: "\n").count == 2)
  }
}
