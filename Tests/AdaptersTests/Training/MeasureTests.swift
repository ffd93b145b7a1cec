import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Adapters

/// What a ledger says was measured must be something that can have been measured.
@Suite struct MeasureTests {
  /// A ledger of one sound row and a row of the anchor 'b', of which `change` replaces a member.
  private func ledger(_ change: [String: String], rate: String = "0.0003", secondRate: String? = nil) throws -> Ledger {
    var members = [
      "tokens": "43", "loss": "2.5", "base_loss": "3.4", "base_loss_without_prompt": "4.3", "gradient_norm": "1.4",
      "dot": #"{"medical": 0.24}"#, "adam_norm": "3431", "adam_dot": #"{"medical": 492.9}"#, "reference_norm": "1270",
      "reference_dot": #"{"medical": -201}"#, "validation_norm": #"{"medical": 0.8}"#,
    ]
    func row(_ split: String, _ id: String, _ rate: String) -> String {
      let start = #"{"checkpoint": 15, "learning_rate": \#(rate), "split": "\#(split)", "id": "\#(id)""#
      return members.sorted { $0.key < $1.key }.reduce(start) { $0 + ", \"\($1.key)\": \($1.value)" } + "}"
    }
    let first = row("train", "a", rate)
    members.merge(change) { $1 }
    return try Ledger(Bytes(Array((first + "\n" + row("anchor", "b", secondRate ?? rate)).utf8)))
  }

  @Test(arguments: [
    ("tokens", "0"), ("tokens", "43.0"), ("loss", "0"), ("loss", "12.8"), ("loss", "null"), ("loss", "NaN"),
    ("loss", "Infinity"), ("loss", "100000"), ("gradient_norm", "999999"), ("adam_norm", "1e8"),
    ("my_own_column", "-1e38"), ("dot", #"{"medical": -0.24, "financial": 1.3}"#),
    // Rounded to half precision an inner product can be a little above its bound.
    ("dot", #"{"medical": 1.121}"#), ("validation_norm", #"{"medical": 0.8000001}"#),
  ]) func `what can be measured is taken`(_ column: String, _ value: String) throws {
    #expect(try ledger([column: value]).samples.count == 2)
  }

  @Test(arguments: [
    ("tokens", "2.5", "is whole, from 0 to 100000000"), ("tokens", "-1", "is whole"), ("tokens", "1e12", "is whole"),
    ("loss", "-0.001", "a loss is from 0 to 1000000"), ("loss", "1e30", "a loss is"), ("base_loss", "-2", "a loss is"),
    ("base_loss_without_prompt", "3.4e38", "a loss is"), ("gradient_norm", "-1", "norm of a gradient is"),
    ("gradient_norm", "1e20", "norm of a gradient is"), ("adam_norm", "-3", "norm of an update is"),
    ("adam_norm", "1e300", "norm of an update is"), ("reference_norm", "1e10", "norm of an update is"),
    ("validation_norm", #"{"medical": -1}"#, "norm of a gradient is"),
    ("validation_norm", #"{"medical": 1e7}"#, "norm of a gradient is"),
    ("validation_norm", #"{"medical": 0.9}"#, "other rows of the checkpoint have 0.8"),
    ("dot", #"{"medical": 1e20}"#, "an inner product of gradients is"),
    ("dot", #"{"medical": 1.2}"#, "at most the product of the norms"),
    ("dot", #"{"financial": 2e6}"#, "at most the product of the norms"),
    ("adam_dot", #"{"medical": 1e300}"#, "an inner product with an update is"),
    ("adam_dot", #"{"medical": -5000}"#, "at most the product of the norms"),
    // Without a norm of the validation gradient, it is at most the largest there can be.
    ("adam_dot", #"{"financial": 1e10}"#, "at most the product of the norms"),
    ("reference_dot", #"{"multilingual": -1e20}"#, "an inner product with an update is"),
    ("my_own_column", "1e39", "a measured number is"), ("deep", #"{"er": -1e300}"#, "a measured number is"),
  ]) func `what cannot be measured is refused`(_ column: String, _ value: String, _ fault: String) throws {
    let failure = try TestSupport.failure { try ledger([column: value]) }
    #expect(failure.kind == .badData && failure.position?.line == 2)
    #expect(failure.message.contains("as '\(column)"), "\(failure.message)")
    #expect(failure.message.contains("of the anchor sample 'b' at checkpoint 15, but"), "\(failure.message)")
    #expect(failure.message.contains(fault), "\(failure.message)")
    #expect(failure.advice?.contains("unscored") == true)
  }

  @Test func `a zero gradient has no inner products`() throws {
    let zero = ["gradient_norm": "0", "dot": #"{"medical": 0}"#]
    #expect(try ledger(zero).samples.count == 2)
    let failure = try TestSupport.failure { try ledger(zero.merging(["dot": #"{"medical": 0.1}"#]) { $1 }) }
    #expect(failure.message.contains("its 'gradient_norm' is 0.0"), "\(failure.message)")
  }

  @Test(arguments: ["-0.0003", "11", "1e300"]) func `a learning rate that cannot be is refused`(_ rate: String) throws {
    let failure = try TestSupport.failure { try ledger([:], rate: rate) }
    #expect(failure.position?.line == 1)
    #expect(
      failure.message
        == "has \(Double(rate)!) as 'learning_rate' at checkpoint 15, but a learning rate is from 0 to 10")
    let trainer = #"{"global_step": 1, "log_history": [{"step": 1, "learning_rate": \#(rate)}]}"#
    #expect(
      try TestSupport.failure { try TrainerState(Bytes(Array(trainer.utf8))) }.message
        == "entry 1 of its log_history has \(Double(rate)!) as 'learning_rate', but a learning rate is from 0 to 10")
  }
}
