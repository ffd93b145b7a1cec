import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Names and texts from other people's files forge no line and fill no screen, wherever they are shown.
@Suite struct ForeignTextTests {
  /// A line break, what steers a terminal, and a word without end.
  static let forged = "a\n/home/me/secret\u{1B}[2J"
  static let long = String(repeating: "y", count: 5000)

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

  @Test func inFailures() throws {
    let failure = Failure(
      .badData, "holds '\(Self.long)'", advice: Self.long, client: Self.long, file: Self.forged + Self.long,
      tensor: Self.forged + Self.long)
    #expect(!failure.description.contains(String(repeating: "y", count: 400)))
    #expect(failure.description.split(separator: "\n").count == 2)
  }
}
