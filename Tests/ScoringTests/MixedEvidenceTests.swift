import Adapters
import Diagnostics
import Foundation
import JSON
import PluginHost
import Tensors
import TestSupport
import Testing

@testable import Runs

/// Clients with a ledger and clients with gradients are scored together where both give the same scores.
@Suite struct MixedEvidenceTests {
  /// What a client would write into a ledger, worked out from its gradients in plain sums.
  private func ledger(of client: URL, steps: [Int], domains: [String], rate: Double? = nil) throws -> String {
    var text = ""
    for step in steps {
      let folder = client.appending(path: "checkpoint-\(step)").path
      func file(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(Bytes(mapping: "\(folder)/gradients/\(name).safetensors"))
      }
      let logged = LearningRate(log: try TrainerState(Bytes(mapping: folder + "/trainer_state.json")))!.mean
      let names = try file("train").names.filter { $0.contains("lora_") }
      let means = try domains.map { domain in
        let validation = try file("validation.\(domain)")
        return try names.map { name -> [Double] in
          let tensor = validation.tensors[name]!
          let (values, count) = (try tensor.floats(), tensor.shape[0])
          let width = values.count / count
          return (0..<width).map { element in
            // The host's mean is float32.
            Double(Float((0..<count).reduce(0.0) { $0 + Double(values[$1 * width + element]) } / Double(count)))
          }
        }
      }
      for split in ["train", "anchor"] {
        let gradients = try file(split)
        let tokens = try gradients.tensors["tokens"]!.integers()
        let values = try names.map { try gradients.tensors[$0]!.floats() }
        for sample in tokens.indices {
          func sum(_ other: (Int, Int, Double) -> Double) -> Double {
            names.indices.reduce(0) { sum, index in
              let width = values[index].count / tokens.count
              return (0..<width).reduce(sum) {
                let value = Double(values[index][sample * width + $1])
                return $0 + value * other(index, $1, value)
              }
            }
          }
          var row = JSONObject([
            ("checkpoint", JSONValue(step)), ("learning_rate", .number(rate ?? logged)), ("split", .string(split)),
            ("id", .string("\(split)-\(sample)")), ("tokens", .integer(Int64(tokens[sample]))),
            ("gradient_norm", .number(sum { $2 }.squareRoot())),
          ])
          row["dot"] = .object(
            JSONObject(
              domains.enumerated().map { index, domain in
                (domain, .number(sum { tensor, element, _ in means[index][tensor][element] }))
              }))
          text += JSONValue.object(row).text() + "\n"
        }
      }
    }
    return text
  }

  private func score(_ folder: URL, _ scorer: String) throws -> Bench.Scored {
    try ReferenceScoreTests.score(
      ["c0", "c1"].map { folder.path + "/" + $0 }, [("score.scorer", scorer), ("score.parameters", "{}")])
  }

  @Test(arguments: ["tracin", "grand"]) func `a ledger beside gradients gives the scores of gradients`(_ scorer: String)
    throws
  {
    try withTemporaryFolder { folder in
      for client in ["c0", "c1"] {
        try FileManager.default.copyItem(atPath: fixture("tiny/\(client)"), toPath: folder.path + "/" + client)
      }
      let gradients = try score(folder, scorer)
      #expect(gradients.notes.allSatisfy { !$0.text.contains("same scores") })
      let client = folder.appending(path: "c1")
      try ledger(of: client, steps: [4, 8], domains: ["c0", "c1"]).write(
        to: client.appending(path: "ledger.jsonl"), atomically: true, encoding: .utf8)
      // The domain goes by the client's name where a validation set bears it; without gradients none does.
      try #"{"format": 1, "client": "c1", "domain": "c1"}"#.write(
        to: client.appending(path: "clues.json"), atomically: true, encoding: .utf8)
      for step in [4, 8] {
        try FileManager.default.removeItem(at: client.appending(path: "checkpoint-\(step)/gradients"))
      }
      let mixed = try score(folder, scorer)
      #expect(mixed.table.rows.count == gradients.table.rows.count)
      for (one, other) in zip(mixed.table.rows, gradients.table.rows) {
        let (a, b) = (one.score.value ?? .nan, other.score.value ?? 0)
        #expect(abs(a - b) <= 1e-9 * abs(b), "\(one.client) \(one.id): \(a) \(b)")
      }
      #expect(
        mixed.notes.contains(
          .info("\(scorer) scores 'c1' by a ledger, and 'c0' by gradients, which give the same scores")),
        "\(mixed.notes)")
    }
  }

  /// As of a rate that the Trainer logged: such a checkpoint has no say, and nobody would notice.
  @Test func `a learning rate of 0 in a ledger is said`() throws {
    try withTemporaryFolder { folder in
      for client in ["c0", "c1"] {
        try FileManager.default.copyItem(atPath: fixture("tiny/\(client)"), toPath: folder.path + "/" + client)
      }
      let client = folder.appending(path: "c1")
      try ledger(of: client, steps: [4, 8], domains: ["c0", "c1"], rate: 0).write(
        to: client.appending(path: "ledger.jsonl"), atomically: true, encoding: .utf8)
      try #"{"format": 1, "client": "c1", "domain": "c1"}"#.write(
        to: client.appending(path: "clues.json"), atomically: true, encoding: .utf8)
      for step in [4, 8] {
        try FileManager.default.removeItem(at: client.appending(path: "checkpoint-\(step)/gradients"))
      }
      let notes = try score(folder, "tracin").notes.map(\.text)
      for step in [4, 8] {
        #expect(notes.contains("c1: checkpoint \(step): \(LearningRate.zeroNote)"), "\(notes)")
      }
    }
  }

  @Test func `who lacks both is named with what is missing`() throws {
    try withTemporaryFolder { folder in
      for client in ["c0", "c1"] {
        try FileManager.default.copyItem(atPath: fixture("tiny/\(client)"), toPath: folder.path + "/" + client)
      }
      try FileManager.default.removeItem(atPath: folder.path + "/c1/checkpoint-8/gradients/train.safetensors")
      let failure = try failure { try score(folder, "tracin") }
      #expect(failure.message.contains("client 'c1' lacks") && !failure.message.contains("client 'c0'"), "\(failure)")
    }
  }

  @Test func `only scorers that say so are mixed`() throws {
    let catalog = try builtInCatalog()
    let agreeing = catalog.scorers.filter(\.alternativesAgree).map(\.about.id).sorted()
    #expect(agreeing == ["clues", "grand", "less", "tracin"])
  }
}
