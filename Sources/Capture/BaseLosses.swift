import JSON

/// Losses of the model without its adapter.
struct BaseLosses: Sendable, Equatable {
  var withPrompt: Double?
  var withoutPrompt: Double?
}

/// The losses of the untuned model as they are kept, a line for each sample.
struct BaseLossTable: Sendable, Equatable {
  let losses: [BaseLosses]

  init(_ losses: [BaseLosses]) { self.losses = losses }

  /// - returns: nil if the lines are not those of this many samples.
  init?(_ lines: [String], count: Int) {
    guard lines.count == count else { return nil }
    var losses: [BaseLosses] = []
    for line in lines {
      guard let values = (try? JSONReader().read(line))?.arrayValue, values.count == 2 else { return nil }
      losses.append(BaseLosses(withPrompt: values[0].doubleValue, withoutPrompt: values[1].doubleValue))
    }
    self.losses = losses
  }

  var lines: [String] {
    losses.map { loss in
      func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
      return JSONValue.array([number(loss.withPrompt), number(loss.withoutPrompt)]).text()
    }
  }
}
