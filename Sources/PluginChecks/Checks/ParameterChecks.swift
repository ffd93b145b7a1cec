import CluesPluginABI
import JSON
import PluginHost

extension Check {
  /// How an entry handles its parameters.
  static let parameters: [Check] = [
    .entry(
      "default-parameters", "It accepts the defaults that it declares.",
      advice: "declare only what create knows, with defaults that it accepts"
    ) { plugin in
      let about = plugin.entry.about.parameters
      let defaults = PluginUnderTest.values([:], plugin.entry)
      let made = plugin.entry.create(with: defaults, in: plugin.testHost())
      if made.isDone { return .success }
      let isIncomplete = about.declarations.contains { $0.defaultValue == nil }
      if isIncomplete, made.status == CLUES_INVALID_ARGUMENT.rawValue, made.text != nil {
        return plugin.refusal.map { .failed("accepts neither its defaults nor plausible values: \($0)") }
          ?? .success("it must be given a parameter: \(made.text ?? "")")
      }
      return .failed("refuses its own defaults: \(made.answer)")
    },
    .entry(
      "parameter-values", "It accepts values from the whole range that it declares, for every parameter.",
      advice: "declare the range that create accepts; refuse only combinations"
    ) { plugin in
      if let refusal = plugin.refusal { return .skipped("no parameters were found that it accepts: \(refusal)") }
      var draw = Draw(seed: plugin.seed, "values of \(plugin.entry.about.id)")
      var notes: [String] = []
      for declaration in plugin.entry.about.parameters.declarations {
        let values = declaration.trialValues(&draw)
        var refusals: [String] = []
        for value in values {
          var parameters = plugin.parameters.filter { $0.name != declaration.name }
          parameters.append(
            RawParameter(
              declaration.name, value, perInput: declaration.isPerInput ? plugin.entry.inputCount : nil))
          let testHost = plugin.testHost()
          var script = plugin.script
          script.parameters = parameters
          plugin.entry.perform(script, in: testHost)
          if let made = testHost.outcomes.first, !made.isDone {
            refusals.append("\(value.json.text()): \(made.answer)")
            guard made.status == CLUES_INVALID_ARGUMENT.rawValue || made.status == CLUES_UNSUPPORTED.rawValue else {
              return .failed("'\(declaration.name)' of \(refusals[0])")
            }
          }
        }
        if refusals.count == values.count, let refusal = refusals.first {
          return .failed("declares '\(declaration.name)' and refuses every value of it, such as \(refusal)")
        }
        if let refusal = refusals.first { notes.append("refuses '\(declaration.name)' of \(refusal)") }
      }
      return notes.isEmpty ? .success : .success(notes.joined(separator: "; "))
    },
    .entry(
      "parameter-faults",
      "Values out of range, of other types or with other names are refused or accepted, without a crash.",
      advice: "answer CLUES_INVALID_ARGUMENT to parameters that create does not know; check type before the value",
      crash: "create reads values that it was not given"
    ) { plugin in
      let declarations = plugin.entry.about.parameters.declarations
      var faults: [RawParameter] = []
      for declaration in declarations {
        for number in [-1e300, 1e300, -1, .nan, .infinity] {
          var fault = RawParameter(declaration.name, declaration.rawType)
          fault.number = number
          fault.integer = number > 0 ? .max : .min
          fault.text = "no such choice \(number)"
          if declaration.isPerInput { fault.numbers = Array(repeating: number, count: plugin.entry.inputCount) }
          faults.append(fault)
        }
        for type in [CLUES_PARAMETER_NUMBER, CLUES_PARAMETER_TEXT, CLUES_PARAMETER_NUMBERS, clues_parameter_type(99)] {
          var fault = RawParameter(declaration.name, type)
          if type == CLUES_PARAMETER_TEXT { fault.text = "a text" }
          if type == CLUES_PARAMETER_NUMBERS { fault.numbers = [1] }
          faults.append(fault)
        }
      }
      var unknown = RawParameter("no-such-parameter", CLUES_PARAMETER_NUMBER)
      unknown.number = 1
      faults.append(unknown)
      for fault in faults {
        plugin.entry.create(
          with: plugin.parameters.filter { $0.name != fault.name } + [fault], in: plugin.testHost())
      }
      // No parameters at all, although hosts send the defaults.
      plugin.entry.create(with: [], in: plugin.testHost())
      return .success
    },
  ]
}

extension ParameterSchema.Declaration {
  /// Allowed values: all choices, or the ends of the range and some between them.
  func trialValues(_ draw: inout Draw) -> [ParameterValue] {
    if !choices.isEmpty { return choices.compactMap { try? check($0) } }
    let candidates: [JSONValue]
    switch type {
    case .boolean: candidates = [true, false]
    case .text: candidates = ["text", ""]
    case .number, .integer:
      // Without a bound the checker stays near 0: a plugin may well need an hour for a million.
      let low = minimum?.value ?? min(0, maximum?.value ?? 0)
      let high = min(maximum?.value ?? .infinity, max(low + 8, 8))
      let near = [low, high, low + (high - low) / 2, draw.number(in: low...max(low, high)), low + 1e-9, high - 1e-9]
      // A bound may be larger than any integer.
      candidates = near.compactMap { type == .integer ? Int(exactly: $0.rounded()).map { JSONValue($0) } : .number($0) }
    }
    return candidates.compactMap { try? check($0) }
  }

  fileprivate var rawType: clues_parameter_type {
    if isPerInput { return CLUES_PARAMETER_NUMBERS }
    return switch type {
    case .number: CLUES_PARAMETER_NUMBER
    case .integer: CLUES_PARAMETER_INTEGER
    case .boolean: CLUES_PARAMETER_BOOLEAN
    case .text: CLUES_PARAMETER_TEXT
    }
  }
}
