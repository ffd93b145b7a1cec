import Foundation
import JSON
import Tensors
import TestSupport
import Testing

/// The CLUES chain as an operator and as a client run it.
@Suite struct ScoringCommandTests {
  private func json(_ text: String) throws -> JSONObject { try #require(try JSONReader().read(text).objectValue) }

  private func evaluation(_ scores: String, in folder: URL) throws -> JSONObject {
    let result = try clues(
      ["evaluate", scores, "--labels", "checkpoints/labels.jsonl", "--json"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try json(result.output)["all"]?.objectValue)
  }

  @Test func `the reference chain is the paper's, weaknesses included`() throws {
    try withWorkingCopy { folder in
      let result = try clues(["run", "recipes/clues.yaml", "--output", "out"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      // The same formulas in PyTorch, on the same ledgers, gave 0.711 and 0.678.
      let figures = try evaluation("out/clues/scores.jsonl", in: folder)
      #expect(abs((figures["auroc"]?.doubleValue ?? 0) - 0.711) < 0.001)
      #expect(abs((figures["f1"]?.doubleValue ?? 0) - 0.678) < 0.001)
      #expect(result.errors.contains("only 2.92 % of client 'multilingual' is kept"))
    }
  }

  @Test func `the default chain separates far better`() throws {
    try withWorkingCopy { folder in
      let result = try clues(
        ["run", "recipes/clues-calibrated.yaml", "--output", "out", "--set", "merge={method: average}"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let figures = try evaluation("out/clues/scores.jsonl", in: folder)
      #expect((figures["auroc"]?.doubleValue ?? 0) >= 0.98)
      #expect((figures["f1"]?.doubleValue ?? 0) >= 0.93)
      #expect(result.output.contains("What dropped samples fall short of most:\nfinancial     perplexity "))
      let alone = try clues(
        [
          "score", "checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip",
          "--scorer", "clues", "-p", "preset=calibrated", "-o", "alone.jsonl",
        ], in: folder)
      #expect(alone.status == 0, "\(alone.errors)")
      #expect((try evaluation("alone.jsonl", in: folder)["auroc"]?.doubleValue ?? 0) >= 0.93)
      // Everything about the selection is where a run directory has it.
      let record = try json(String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8))
      let selection = try #require(record["selection"]?.objectValue)
      #expect(selection["anchors"]?.objectValue?["count"] == 30)
      #expect(selection["clients"]?.arrayValue?.count == 3)
      let ids = try String(contentsOf: folder.appending(path: "out/clues/selected/medical.txt"), encoding: .utf8)
      #expect(ids.split(separator: "\n").count == selection["clients"]?.arrayValue?[1].objectValue?["kept"]?.intValue)
    }
  }

  /// The first table of Documentation/Scoring.md, row by row.
  @Test func `the documented figures are reproduced`() throws {
    let document = try String(contentsOf: repository.appending(path: "Documentation/Scoring.md"), encoding: .utf8)
    let rows: [(start: String, options: [String])] = [
      ("| `preset=reference` |", []), ("| … `scoring_weight=0`", ["-p", "scoring_weight=0"]),
      ("| … `momentum=false`", ["-p", "momentum=false"]), ("| … `length=sum`", ["-p", "length=sum"]),
      ("| … `learning_rate=false`", ["-p", "learning_rate=false"]),
    ]
    try withWorkingCopy { folder in
      var options = ["-p", "preset=reference"]
      for row in rows {
        options += row.options
        let line = try #require(document.components(separatedBy: "\n").first { $0.hasPrefix(row.start) })
        let documented = line.split(separator: "|").dropFirst().compactMap {
          Double($0.filter { "0123456789.".contains($0) })
        }
        let inputs = ["checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip"]
        #expect(
          try clues(["score"] + inputs + ["--scorer", "clues", "-o", "s.jsonl", "--force"] + options, in: folder).status
            == 0)
        #expect(
          try clues(["select", "s.jsonl", "--threshold", "anchor-sigma", "-o", "sel", "--force"], in: folder).status
            == 0)
        let result = try clues(
          ["evaluate", "sel/clues/scores.jsonl", "--labels", "checkpoints/labels.jsonl", "--json"], in: folder)
        let object = try json(result.output)
        let clients = object["clients"]?.objectValue
        let found = ["medical", "financial", "multilingual"].map {
          clients?[$0]?.objectValue?["auroc"]?.doubleValue ?? 0
        }
        let all = object["all"]?.objectValue
        let figures = found + [all?["auroc"]?.doubleValue ?? 0, all?["f1"]?.doubleValue ?? 0]
        #expect(documented.count == 5)
        #expect(zip(figures, documented).allSatisfy { abs($0 - $1) < 0.0006 }, "\(row.start) \(figures)")
      }
    }
  }

  @Test func `a client applies the threshold that the operator sent`() throws {
    try withWorkingCopy { folder in
      let bundles = ["checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip"]
      let chain = ["--recipe", "recipes/clues-calibrated.yaml"]
      #expect(try clues(["score"] + bundles + chain + ["-o", "all.jsonl"], in: folder).status == 0)
      let decided = try clues(
        ["select", "all.jsonl", "--threshold", "anchor-sigma", "-p", "k=1", "-o", "decided"], in: folder)
      #expect(decided.status == 0, "\(decided.errors)")
      #expect(decided.output.contains(" for all clients"))
      #expect(try clues(["score", bundles[0]] + chain + ["-o", "mine.jsonl"], in: folder).status == 0)
      let applied = try clues(
        ["select", "mine.jsonl", "--with", "decided/clues/threshold.json", "-o", "mine"], in: folder)
      #expect(applied.status == 0, "\(applied.errors)")
      let name = "clues/selected/medical.txt"
      let mine = try String(contentsOf: folder.appending(path: "mine/" + name), encoding: .utf8)
      #expect(try mine == String(contentsOf: folder.appending(path: "decided/" + name), encoding: .utf8))
      #expect(mine.split(separator: "\n").count > 60)
    }
  }

  @Test func `clients are scored by their adapters alone`() throws {
    try withWorkingCopy { folder in
      let recipe = """
        clients: [checkpoints/medical.tar.zst, checkpoints/financial.tar.gz, {path: checkpoints/multilingual.zip, anchor: true}]
        score: {scorer: trajectory}
        select: {threshold: fixed, parameters: {value: 0.597}}
        merge: {method: average}
        """
      try recipe.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let result = try clues(["run", "r.yaml", "--output", "out"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let record = try json(String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8))
      // The one trained on anchors is compared with, not merged; who goes another way drops out.
      let merged = record["clients"]?.arrayValue?.compactMap { $0.objectValue?["name"]?.stringValue } ?? []
      let kept = record["selection"]?.objectValue?["clients"]?.arrayValue?.compactMap(\.objectValue) ?? []
      #expect(!merged.contains("multilingual"))
      #expect(Set(merged) == Set(kept.filter { $0["kept"] == 1 }.compactMap { $0["client"]?.stringValue }))
      #expect(!merged.isEmpty)
    }
  }

  @Test func `scores are not overwritten unasked`() throws {
    try withWorkingCopy { folder in
      try "mine".write(to: folder.appending(path: "scores.jsonl"), atomically: true, encoding: .utf8)
      let result = try clues(
        ["score", "checkpoints/medical.tar.zst", "--scorer", "random", "-o", "scores.jsonl"], in: folder)
      #expect(result.status == 73)
      #expect(try String(contentsOf: folder.appending(path: "scores.jsonl"), encoding: .utf8) == "mine")
    }
  }

  /// Gradients of 600 MB are scored in an address space of 500 MB: they are never in memory, nor mapped.
  @Test func `scoring streams`() throws {
    try withTemporaryFolder { folder in
      let checkpoint = folder.appending(path: "big/checkpoint-1")
      let gradients = checkpoint.appending(path: "gradients")
      try FileManager.default.createDirectory(at: gradients, withIntermediateDirectories: true)
      let shapes = ["lora_A": [8, 65536], "lora_B": [65536, 8]]
      func write(_ file: URL, samples: Int?) throws {
        var entries = shapes.map { part, shape in
          WeightsLayout.Entry(
            name: "base_model.model.model.layers.0.q_proj.\(part).weight", dtype: .f32,
            shape: (samples.map { [$0] } ?? []) + shape)
        }
        if let samples {
          entries += ["loss", "tokens"].map { .init(name: $0, dtype: .f32, shape: [samples]) }
        }
        let layout = WeightsLayout(safetensors: entries)
        try Data(layout.header).write(to: file)
        // The elements are a hole in the file: zeros that take no room on disk.
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: UInt64(layout.header.count + entries.reduce(0) { $0 + $1.byteCount }))
        try handle.close()
      }
      try write(checkpoint.appending(path: "adapter_model.safetensors"), samples: nil)
      try write(gradients.appending(path: "train.safetensors"), samples: 150)
      try write(gradients.appending(path: "anchor.safetensors"), samples: 2)
      let config = #"{"peft_type": "LORA", "r": 8, "lora_alpha": 8, "target_modules": ["q_proj"]}"#
      try config.write(
        to: checkpoint.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
      func limited(_ arguments: String) throws -> CommandResult {
        try clues(
          ["-c", "ulimit -v 500000; exec '\(cluesExecutable)' \(arguments)"], in: folder, executable: "/bin/sh")
      }
      // The limit bites: what maps the file fails.
      let mapped = try limited("inspect big/checkpoint-1/gradients/train.safetensors")
      #expect(mapped.errors.contains("cannot be mapped: Cannot allocate memory"), "\(mapped.errors)")
      let scored = try limited("score big --scorer grand -o scores.jsonl")
      #expect(scored.status == 0, "\(scored.errors)")
      let lines = try String(contentsOf: folder.appending(path: "scores.jsonl"), encoding: .utf8).split(separator: "\n")
      #expect(lines.count == 152)
    }
  }
}
