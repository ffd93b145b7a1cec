import Datasets
import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Capture

/// Samples of text through template, tokenizer, model and adapter, against transformers and PEFT.
@Suite struct TextCaptureTests {
  private func settings(_ root: URL) -> CaptureSettings {
    var settings = CaptureSettings(
      client: fixture("capture/client"), base: fixture("capture/base"), train: [fixture("capture/train.jsonl")],
      anchor: fixture("capture/anchor.jsonl"), validation: [("tables", fixture("capture/validation.jsonl"))])
    settings.output = root.appending(path: "out").path
    return settings
  }

  private static let expected: JSONObject = {
    let bytes = try! Bytes(mapping: fixture("capture/expected.json"))
    return try! bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue!
  }()

  private func ledger(_ settings: CaptureSettings) throws -> [String: JSONObject] {
    try rows(try String(contentsOfFile: (settings.output ?? "") + "/ledger.jsonl", encoding: .utf8))
  }

  @Test func theLedgerIsWhatTransformersMeasures() throws {
    try withTemporaryFolder { root in
      let listener = Listener()
      let settings = settings(root)
      let report = try Capture(settings, observer: listener).run()
      let found = try ledger(settings)
      for (split, ids) in [("train", ["0", "1", "2", "3"]), ("anchor", ["two turns"])] {
        for (id, value) in zip(ids, try #require(Self.expected[split]?.arrayValue)) {
          let row = try #require(found["3 \(split) \(id)"])
          guard let due = value.objectValue else { continue }
          for column in ["tokens", "loss", "base_loss", "base_loss_without_prompt", "gradient_norm"] {
            let truth = try #require(due.number(column))
            let value = try #require(row.number(column), "\(id) \(column)")
            #expect(abs(value - truth) <= 2e-5 * truth, "\(id) \(column): \(value) and not \(truth)")
          }
          let norm = try #require(Self.expected.number("validation_norm"))
          let scale = norm * (due.number("gradient_norm") ?? 0)
          #expect(abs((row.number("dot.tables") ?? .nan) - (due.number("dot") ?? 0)) <= 2e-5 * scale)
          #expect(abs((row.number("validation_norm.tables") ?? .nan) - norm) <= 2e-5 * norm)
          #expect(row.number("learning_rate") == 0.01 && row["adam_norm"] == nil && row["reference_norm"] == nil)
        }
      }
      // An answer of nothing is still an answer that ends.
      #expect(found["3 train 2"]?.number("tokens") == 2)
      #expect(report.unscored.isEmpty)
      for words in ["no optimizer.pt", "'note' is not used", "trained on 'somebody/else'"] {
        #expect(listener.notes.contains { $0.contains(words) }, "\(listener.notes)")
      }
    }
  }

  @Test func lossesAndGradientsCanBeOfDifferentTokens() throws {
    try withTemporaryFolder { root in
      func column(_ name: String, _ learned: LossSpan, _ measured: LossSpan?) throws -> Double {
        var settings = settings(root)
        settings.loss = learned
        settings.measuredLoss = measured
        settings.output = root.appending(path: "\(learned) \(String(describing: measured))").path
        if !FileManager.default.fileExists(atPath: settings.output ?? "") {
          _ = try Capture(settings, observer: Listener()).run()
        }
        return try #require(try ledger(settings)["3 train 0"]?.number(name))
      }
      func same(_ name: String, _ a: (LossSpan, LossSpan?), _ b: (LossSpan, LossSpan?)) throws -> Bool {
        try column(name, a.0, a.1) == column(name, b.0, b.1)
      }
      let counts = try same("tokens", (.all, nil), (.answer, nil))
      let gradients = try same("gradient_norm", (.all, nil), (.answer, nil))
      let ownGradients = try same("gradient_norm", (.all, .answer), (.all, nil))
      #expect(!counts && !gradients && ownGradients)
      for name in ["tokens", "loss", "base_loss", "base_loss_without_prompt"] {
        let losses = try same(name, (.all, .answer), (.answer, nil))
        #expect(losses, "\(name)")
      }
    }
  }

  @Test func whatIsCutOffIsSaid() throws {
    try withTemporaryFolder { root in
      let listener = Listener()
      var settings = settings(root)
      settings.validation = []
      settings.maximumLength = 80
      let report = try Capture(settings, observer: listener).run()
      #expect(listener.notes.contains { $0.contains("samples are cut off at 80 tokens, ") }, "\(listener.notes)")
      let left = try #require(report.unscored.first)
      #expect(left.reason.contains("is after the 80 tokens that are read"), "\(left)")
      let row = try #require(try ledger(settings)["3 \(left.split) \(left.id)"])
      #expect(row.number("tokens") == 0 && row["loss"] == .null && row["gradient_norm"] == .null)
      let samples = try String(contentsOfFile: (settings.output ?? "") + "/samples.jsonl", encoding: .utf8)
      #expect(samples.contains("\"unscored\":\"its answer is after"))
      #expect(row["dot"] == nil && row["validation_norm"] == nil)
    }
  }

  @Test func listingsShowEveryFile() throws {
    try withTemporaryFolder { root in
      let text = try Capture(settings(root), observer: Listener()).listings(2)
      #expect(text.contains("train.jsonl:2 (train '1', smollm2)"))
      #expect(text.contains("anchor.jsonl:1 (anchor 'two turns', smollm2)"))
      #expect(text.contains("validation.jsonl:2 (validation 'tables-1', plain)"))
      #expect(text.contains("*+"))
    }
  }
}
