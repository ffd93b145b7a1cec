import Diagnostics
import Tensors
import Testing

@testable import Adapters

@Suite struct SampleTableTests {
  private func table(_ lines: String...) throws -> SampleTable {
    try SampleTable(Bytes(Array(lines.joined(separator: "\n").utf8)))
  }

  @Test func keepsRowOrder() throws {
    let table = try table(
      #"{"id": "b", "split": "train", "domain": "medical", "text": "not read"}"#, "",
      #"{"id": 7, "split": "train", "domain": null}"#,
      #"{"id": "b", "split": "anchor"}"#,
      #"{"id": "v", "split": "validation", "domain": "financial"}"#,
      #"{"id": "w", "split": "validation", "domain": "medical"}"#)
    #expect(table.samples.count == 5)
    #expect(table.samples(in: .train).map(\.id) == ["b", "7"])
    #expect(table.samples(in: .anchor) == [Sample(split: .anchor, id: "b", domain: nil)])
    #expect(table.samples(in: .validation, domain: "medical").map(\.id) == ["w"])
  }

  @Test func refusesWithTheLine() throws {
    let twice = try #require(
      failure { _ = try table(#"{"id": "1", "split": "train"}"#, #"{"id": 1, "split": "train"}"#) })
    #expect(twice.message == "has the train sample '1' twice, first in line 1")
    #expect(twice.position?.line == 2)
    let spelled = try #require(
      failure {
        _ = try table(#"{"id": "\u00e9", "split": "train"}"#, #"{"id": "e\u0301", "split": "train"}"#)
      })
    #expect(spelled.message == "the id of a train sample is spelled in two ways, '\\u{e9}' and 'e\\u{301}'")
    let split = try #require(failure { _ = try table(#"{"id": "1", "split": "trian"}"#) })
    #expect(split.message == "has the unknown split 'trian'")
    #expect(split.advice == "did you mean 'train'?")
    #expect(failure { _ = try table(#"{"split": "train"}"#) }?.message == "has no 'id'")
    #expect(failure { _ = try table(#"{"id": "1"}"#) }?.message == "has no 'split'")
    #expect(
      failure { _ = try table(#"{"id": [1], "split": "train"}"#) }?.message
        == "has a list as 'id' instead of a string or a number")
    #expect(failure { _ = try table("[]") }?.message == "holds a list instead of an object")
  }
}

@Suite struct LedgerTests {
  private func row(_ step: Int, _ id: String, _ rest: String, rate: String = "0.5", domain: String = "medical")
    -> String
  {
    #"{"checkpoint": \#(step), "learning_rate": \#(rate), "split": "train", "id": "\#(id)", "domain": "\#(domain)", \#(rest)}"#
  }

  private func ledger(_ lines: [String], limits: Limits = Limits()) throws -> Ledger {
    try Ledger(Bytes(Array(lines.joined(separator: "\n").utf8)), limits: limits)
  }

  @Test func columnsOfARealLedger() throws {
    // Two rows of fixtures written by the training script, and one of a later checkpoint.
    let lines = [
      #"{"checkpoint": 15, "learning_rate": 0.00040517241, "split": "train", "id": "medical-train-0", "domain": "medical", "tokens": 43, "loss": 2.8716202, "gradient_norm": 1.1478935, "dot": {"medical": 0.29111066, "financial": 0.25128374, "multilingual": 0.006067594}, "adam_norm": 3717.2427, "adam_dot": {"medical": 795.37091, "financial": 689.32275, "multilingual": 57.704865}, "reference_norm": 1191.1193, "reference_dot": {"medical": 217.7897, "financial": 178.62921, "multilingual": -3.7897787}, "base_loss": 3.3942864, "base_loss_without_prompt": 4.3324604}"#,
      #"{"checkpoint": 60, "learning_rate": 6.8965517e-05, "split": "anchor", "id": "medical-anchor-9", "domain": "medical", "tokens": 44, "loss": 2.33342, "gradient_norm": 1.5541259, "dot": {"medical": 0.14273393, "financial": 0.042935688, "multilingual": -0.0036814157}, "adam_norm": 3456.5618, "adam_dot": {"medical": 277.34381, "financial": 115.41617, "multilingual": 62.2869}, "reference_norm": 818.66956, "reference_dot": {"medical": 125.97133, "financial": 75.8489, "multilingual": -25.03182}, "base_loss": 3.0983372, "base_loss_without_prompt": 4.1305308}"#,
    ]
    let ledger = try ledger(lines)
    #expect(ledger.samples.map(\.split) == [.train, .anchor])
    #expect(ledger.checkpoints.map(\.step) == [15, 60])
    #expect(ledger.checkpoints.map(\.learningRate) == [0.00040517241, 6.8965517e-05])
    #expect(
      ledger.columnNames == [
        "tokens", "loss", "gradient_norm", "dot.medical", "dot.financial", "dot.multilingual", "adam_norm",
        "adam_dot.medical", "adam_dot.financial", "adam_dot.multilingual", "reference_norm", "reference_dot.medical",
        "reference_dot.financial", "reference_dot.multilingual", "base_loss", "base_loss_without_prompt",
      ])
    #expect(ledger.checkpoints[0].columns["dot.medical"] == [0.29111066, nil])
    #expect(ledger.checkpoints[1].columns["reference_dot.multilingual"] == [nil, -25.03182])
    #expect(ledger.checkpoints[0].columns["tokens"] == [43, nil])
  }

  @Test func rowsMayComeInAnyOrderAndMayLack() throws {
    let ledger = try ledger([
      row(20, "b", #""loss": 4"#), row(10, "a", #""loss": 1, "tokens": 5"#), row(10, "b", #""loss": NaN"#),
      row(10, "c", #""loss": -Infinity"#), row(20, "a", #""loss": null"#),
    ])
    #expect(ledger.samples.map(\.id) == ["b", "a", "c"])
    let (first, second) = (ledger.checkpoints[0], ledger.checkpoints[1])
    #expect(first.step == 10)
    #expect(first.columns["loss"] == [nil, 1, nil])
    #expect(first.reason(column: "loss", sample: 0) == "NaN in the ledger")
    #expect(first.reason(column: "loss", sample: 1) == nil)
    #expect(first.reason(column: "loss", sample: 2) == "an infinity in the ledger")
    #expect(first.reason(column: "tokens", sample: 0) == "no 'tokens' in the ledger at checkpoint 10")
    #expect(second.reason(column: "loss", sample: 1) == "null in the ledger")
    #expect(second.reason(column: "loss", sample: 2) == "not in the ledger at checkpoint 20")
    #expect(second.columns["tokens"] == nil)
    #expect(first.absentSamples.isEmpty)
    #expect(second.absentSamples == [2])
    #expect(ledger.notes == ["checkpoint 20 lacks 1 of 3 samples in the ledger, the first being 'c'"])
  }

  @Test func refusesContradictions() throws {
    func message(_ lines: String...) -> String? { failure { _ = try ledger(lines) }?.message }
    let loss = #""loss": 1"#
    #expect(message(row(1, "a", loss), row(1, "a", loss)) == "has the train sample 'a' twice at checkpoint 1")
    // Swift takes them for one sample, which would have two rows at different checkpoints.
    #expect(
      message(row(1, "\u{E9}", loss), row(2, "e\u{301}", loss))
        == "the id of a train sample is spelled in two ways, '\\u{e9}' and 'e\\u{301}'")
    #expect(
      message(row(1, "a", loss), row(1, "b", loss, rate: "0.25"))
        == "has the learning rate 0.25 at checkpoint 1, but other rows have 0.5")
    #expect(message(row(1, "a", loss), row(2, "a", loss, rate: "0.25")) == nil)
    #expect(
      message(row(1, "a", loss), row(2, "a", loss, domain: "other")) == "gives the train sample 'a' two domains")
    #expect(
      message(row(1, "a", #""loss": "high""#))
        == "has a string as 'loss' of the train sample 'a' at checkpoint 1 instead of a number")
    #expect(
      message(row(1, "a", #""dot": {"x": [1]}"#))
        == "has a list as 'dot.x' of the train sample 'a' at checkpoint 1 instead of a number")
    #expect(
      message(row(1, "a", #""dot": {"x": 1}, "dot.x": 2"#))
        == "has one column twice, with a dot and as a nested object")
    #expect(message(row(1, "a", loss, rate: "NaN")) == "has a 'learning_rate' that is not a finite number")
    #expect(message(row(-1, "a", loss)) == "has no valid 'checkpoint'")
    #expect(message("3") == "holds a number instead of an object")
    let late = try #require(failure { _ = try ledger([row(1, "a", loss), "", row(1, "a", loss)]) })
    #expect(late.position?.line == 3)
  }

  @Test func refusesToGrowWithoutBound() {
    var limits = Limits()
    limits[.ledgerColumns] = 2
    #expect(
      failure { _ = try ledger([row(1, "a", #""x": 1, "y": 2, "z": 3"#)], limits: limits) }?.message
        == "has more than 2 columns")
    limits = .init()
    limits[.ledgerValues] = 99
    // Ten rows, but a hundred places for their values.
    let diagonal = (0..<10).map { row($0, "\($0)", #""loss": 1"#) }
    #expect(
      failure { _ = try ledger(diagonal, limits: limits) }?.message
        == "spans 10 samples, 1 columns and 10 checkpoints, which is more than 99 values")
    limits[.ledgerValues] = 100
    #expect(failure { _ = try ledger(diagonal, limits: limits) } == nil)
  }
}
