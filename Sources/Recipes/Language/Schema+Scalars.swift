import Diagnostics
import Foundation
import JSON

extension Schema where Value == String {
  /// A string that matches `pattern` entirely, a regular expression that Swift and JSON Schema interpret alike.
  static func text(_ due: String, pattern: String, maximumLength: Int = 4096) -> Schema {
    Schema(
      options: [due],
      jsonSchema: ["type": "string", "pattern": .string("^\(pattern)$"), "maxLength": JSONValue(maximumLength)],
      accepts: { $0.text != nil },
      read: { node, location in
        guard let text = node.text else { throw mismatch(node, at: location, due: due) }
        guard text.unicodeScalars.count <= maximumLength, matches(text, pattern) else {
          throw mismatch(node, at: location, due: due)
        }
        return text
      },
      write: { .string($0) },
      explain: { [ExplainedValue(location: $1, value: $0)] })
  }

  static let path = text("a path", pattern: #"[^\u0000-\u001F\u007F-\u009F]+"#)

  /// A client's name becomes a file name in the run's folder.
  static let clientName = text(
    "a name without slashes that does not start with a dot",
    pattern: #"[^\u0000-\u001F\u007F-\u009F/.][^\u0000-\u001F\u007F-\u009F/]*"#, maximumLength: 128)

  static let name = text("a name", pattern: #"[^\u0000-\u001F\u007F-\u009F]+"#)

  static let pluginIdentifier = text(
    "the id of a plugin (letters, digits, '.', '_' and '-')", pattern: "[A-Za-z0-9][A-Za-z0-9._-]*", maximumLength: 128)

  static let formatName = text("the name of a format, such as 'peft'", pattern: "[a-z][a-z0-9-]*", maximumLength: 64)

  static let digest = text("a SHA-256 digest of 64 hexadecimal digits", pattern: "[0-9a-fA-F]{64}")
    .mapped({ digest, _ in digest.lowercased() }, { $0 })
}

/// Whether `pattern` matches the whole of `text`, scalar by scalar as JSON Schema counts, not by grapheme.
func matches(_ text: String, _ pattern: String) -> Bool {
  guard let expression = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
  return (try? expression.wholeMatch(in: text)) != nil
}

extension Schema where Value == Int {
  /// An integer in plain decimal.
  static func integer(atLeast minimum: Int) -> Schema {
    let due = "an integer of at least \(minimum)"
    return Schema(
      options: [due],
      jsonSchema: ["type": "integer", "minimum": JSONValue(minimum)],
      accepts: { node in
        guard let text = node.plainText else { return false }
        if case .word = Numeral(text) { return false }
        return true
      },
      read: { node, location in
        switch node.plainText.map(Numeral.init) {
        case .integer(let number)? where number >= minimum: return Int(number)
        case .refused(let advice)?: throw mismatch(node, at: location, due: due, advice: advice)
        default: throw mismatch(node, at: location, due: due, advice: quotesAdvice(node))
        }
      },
      write: { JSONValue($0) },
      explain: { [ExplainedValue(location: $1, value: String($0))] })
  }
}

extension Schema where Value == Double {
  /// A finite number, above `lower` and at most `upper` if these are given.
  static func number(above lower: Double? = nil, atMost upper: Double? = nil) -> Schema {
    var jsonSchema: JSONObject = ["type": "number"]
    jsonSchema["exclusiveMinimum"] = lower.map { .number($0) }
    jsonSchema["maximum"] = upper.map { .number($0) }
    let bounds = [lower.map { "above \(shortest($0))" }, upper.map { "at most \(shortest($0))" }].compactMap { $0 }
    let due = "a number" + (bounds.isEmpty ? "" : " " + bounds.joined(separator: " and "))
    return Schema(
      options: [due], jsonSchema: jsonSchema,
      accepts: { $0.plainText != nil },
      read: { node, location in
        let number: Double
        switch node.plainText.map(Numeral.init) {
        case .integer(let integer)?: number = Double(integer)
        case .number(let double)?: number = double
        case .refused(let advice)?: throw mismatch(node, at: location, due: due, advice: advice)
        default: throw mismatch(node, at: location, due: due, advice: quotesAdvice(node))
        }
        guard lower.map({ number > $0 }) ?? true, upper.map({ number <= $0 }) ?? true else {
          throw mismatch(node, at: location, due: due)
        }
        return number
      },
      write: { .number($0) },
      explain: { [ExplainedValue(location: $1, value: shortest($0))] })
  }
}

/// Advice about a number in quotes.
private func quotesAdvice(_ node: Node) -> String? {
  guard node.plainText == nil, let text = node.text else { return nil }
  if case .word = Numeral(text) { return nil }
  return "write it without quotes"
}

/// The number as people write it: 1, not 1.0.
private func shortest(_ number: Double) -> String {
  Int64(exactly: number).map(String.init) ?? String(describing: number)
}

/// A word of the language that stands for a value, and what it means.
struct Word<Value: Sendable>: Sendable {
  var name: String
  var value: Value
  var meaning: String
  /// What other programs call it, in lower case.
  var otherNames: [String] = []
}

/// A choice between words.
protocol Choice: RawRepresentable, CaseIterable, Equatable, Sendable where RawValue == String {
  /// What the word means, as a phrase.
  var meaning: String { get }

  /// What other programs call it, in lower case; not accepted, but used for advice.
  var otherNames: [String] { get }
}

extension Choice {
  var otherNames: [String] { [] }
}

extension Schema where Value: Equatable {
  /// One of a few words.
  static func words(_ words: [Word<Value>]) -> Schema {
    let names = words.map(\.name)
    let options = names.map { "'\($0)'" }
    let meanings = words.map { "`\($0.name)`: \($0.meaning)" }.joined(separator: "; ")
    return Schema(
      options: options, words: names,
      jsonSchema: ["enum": JSONValue(names), "description": .string(meanings + ".")],
      accepts: { node in node.text.map(names.contains) ?? false },
      read: { node, location in
        guard let word = words.first(where: { $0.name == node.text }) else {
          let foreign = words.first { node.text.map { $0.lowercased() }.map($0.otherNames.contains) ?? false }
          throw mismatch(
            node, at: location, due: listed(options, "or"), words: names,
            advice: foreign.map { "did you mean '\($0.name)'?" })
        }
        return word.value
      },
      write: { value in words.first { $0.value == value }.map { .string($0.name) } },
      explain: { value, location in
        words.first { $0.value == value }.map {
          [ExplainedValue(location: location, value: $0.name, meaning: $0.meaning)]
        }
      })
  }
}

extension Schema where Value: Choice {
  static var choice: Schema {
    words(
      Value.allCases.map {
        Word(name: $0.rawValue, value: $0, meaning: $0.meaning, otherNames: $0.otherNames)
      })
  }
}

extension Schema where Value == Bool {
  /// `true` or `false`, and none of YAML 1.1's other spellings.
  static let flag = Schema(
    options: ["true or false"], words: ["true", "false"],
    jsonSchema: ["type": "boolean"],
    accepts: { $0.plainText != nil },
    read: { node, location in
      switch node.plainText {
      case "true": true
      case "false": false
      default: throw mismatch(node, at: location, due: "true or false", words: ["true", "false"])
      }
    },
    write: { .bool($0) },
    explain: { [ExplainedValue(location: $1, value: String($0))] })
}
