import JSON

/// Figures of one kind for every model, by domain and over all, and the differences between models.
package struct MeasureTable: Sendable {
  package let kind: Kind

  /// The names of the figures.
  package let scores: [String]

  /// The domains in data order; then, if there are several, all samples.
  package let parts: [Part]

  package enum Kind: String, Sendable {
    case losses, choices, answers, marks
  }

  package struct Part: Sendable {
    /// Nil for all samples.
    package let domain: String?
    package let samples: Int
    /// The number of labels of losses; nil for other figures.
    package let tokens: Int?
    package let models: [Model]
    package let differences: [Difference]
  }

  package struct Model: Sendable {
    package let name: String
    /// In the order of the scores.
    package let estimates: [Estimate]
    /// Further figures, without intervals.
    package let more: [(name: String, value: Double)]
  }

  /// The figures of one model minus those of another, over the same samples.
  package struct Difference: Sendable {
    package let model: String
    package let against: String
    package let estimates: [Estimate]
  }
}

extension MeasureTable {
  /// - parameters:
  ///   - models: The names of the models.
  ///   - counts: The number of reported samples among given indices.
  ///   - tokens: The same for labels.
  ///   - own: An estimate that replaces the one from the draws.
  ///   - more: Further figures of a model.
  init(
    _ kind: Kind, _ scores: [Score], models: [String], domains: [SampleDomain],
    _ bootstrap: PairedBootstrap, drawn: @Sendable () -> Void, counts: ([Int]) -> Int = { $0.count },
    tokens: ([Int]) -> Int? = { _ in nil }, own: ([Int], Int, Int) -> Estimate? = { _, _, _ in nil },
    more: ([Int], Int) -> [(name: String, value: Double)] = { _, _ in [] }
  ) throws {
    let sums = try bootstrap.sums(of: scores, domains: domains, drawn: drawn)
    func part(_ name: String?, _ chosen: [Int]) -> Part {
      let places = chosen.flatMap { domains[$0].places }
      return Part(
        domain: name, samples: counts(places), tokens: tokens(places),
        models: models.enumerated().map { model, name in
          Model(
            name: name,
            estimates: scores.indices.map {
              own(places, $0, model) ?? sums.value(chosen, score: $0, model: model)
            }, more: more(places, model))
        },
        differences: models.indices.flatMap { model in
          (0..<model).map { other in
            Difference(
              model: models[model], against: models[other],
              estimates: scores.indices.map { sums.difference(chosen, score: $0, model: model, against: other) })
          }
        })
    }
    self.kind = kind
    self.scores = scores.map(\.name)
    parts =
      domains.indices.map { part(domains[$0].name, [$0]) }
      + (domains.count > 1 ? [part(nil, Array(domains.indices))] : [])
  }

  package var json: JSONValue {
    .array(
      parts.map { part in
        var object: JSONObject = ["domain": JSONValue(part.domain), "samples": JSONValue(part.samples)]
        if let tokens = part.tokens { object["tokens"] = JSONValue(tokens) }
        object["models"] = .array(
          part.models.map { model in
            var object: JSONObject = ["name": .string(model.name)]
            for (name, estimate) in zip(scores, model.estimates) { object[name] = estimate.json }
            for (name, value) in model.more { object[name] = Self.plain(value) }
            return .object(object)
          })
        object["differences"] = .array(
          part.differences.map { difference in
            var object: JSONObject = ["model": .string(difference.model), "against": .string(difference.against)]
            for (name, estimate) in zip(scores, difference.estimates) { object[name] = estimate.json }
            return .object(object)
          })
        return .object(object)
      })
  }

  /// Counts as whole numbers.
  private static func plain(_ value: Double) -> JSONValue {
    Int(exactly: value).map { JSONValue($0) } ?? number(value)
  }
}

extension Estimate {
  var json: JSONValue {
    ["value": number(value), "interval": low.isFinite && high.isFinite ? [.number(low), .number(high)] : .null]
  }
}
