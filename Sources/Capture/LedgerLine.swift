import Adapters
import JSON

/// A sample's measurements at one checkpoint.
struct MeasuredRow: Sendable {
  /// The number of tokens in the mean loss; 0 if the sample is unscored.
  var tokens = 0
  var loss: Double?
  var gradientNorm: Double?
  /// By domain.
  var dots: [String: Double] = [:]
  var adam: Update?
  var reference: Update?

  /// A gradient scaled as in Adam: its norm and its products with the mean validation gradients.
  struct Update: Sendable {
    var norm: Double
    var dots: [String: Double]
  }
}

/// One line of `ledger.jsonl`; columns as in Bundles.md.
struct LedgerLine {
  let step: Int
  let learningRate: Double?
  let sample: Sample
  let row: MeasuredRow
  let base: BaseLosses
  /// By domain, in the order of the columns.
  let validationNorms: [(domain: String, norm: Double)]

  /// Anything that is not a finite number becomes null: the sample is then unscored, and never counts as 0.
  var text: String {
    func number(_ value: Double?) -> JSONValue { value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null }
    func byDomain(_ values: [String: Double]) -> JSONValue {
      .object(JSONObject(validationNorms.map { ($0.domain, number(values[$0.domain])) }))
    }
    var object = JSONObject([("checkpoint", JSONValue(step))])
    if let learningRate { object["learning_rate"] = number(learningRate) }
    object["split"] = .string(sample.split.rawValue)
    object["id"] = .string(sample.id)
    if let domain = sample.domain { object["domain"] = .string(domain) }
    object["tokens"] = JSONValue(row.tokens)
    object["loss"] = number(row.loss)
    object["gradient_norm"] = number(row.gradientNorm)
    if !validationNorms.isEmpty { object["dot"] = byDomain(row.dots) }
    for (name, update) in [("adam", row.adam), ("reference", row.reference)] {
      guard let update else { continue }
      object["\(name)_norm"] = number(update.norm)
      if !validationNorms.isEmpty { object["\(name)_dot"] = byDomain(update.dots) }
    }
    if !validationNorms.isEmpty {
      object["validation_norm"] = .object(JSONObject(validationNorms.map { ($0.domain, number($0.norm)) }))
    }
    object["base_loss"] = number(base.withPrompt)
    object["base_loss_without_prompt"] = number(base.withoutPrompt)
    return JSONValue.object(object).text()
  }
}
