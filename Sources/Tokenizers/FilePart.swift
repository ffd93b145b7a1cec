import Diagnostics
import JSON

/// An object of tokenizer.json, with the way to it for messages.
struct FilePart {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, _ path: String) throws {
    guard let object = value.objectValue else {
      throw Failure(.badData, "'\(path)' is \(value.kindName); an object is expected there")
    }
    self.object = object
    self.path = path
  }

  /// The `type`, which says what the part does.
  func type() throws -> String { try text("type") }

  /// Refuses keys that change what the part does in a way that is not known here.
  func allowOnly(_ keys: String...) throws {
    if let other = object.keys.first(where: { !keys.contains($0) && $0 != "type" }) {
      throw Failure(
        .badData, "'\(path).\(other)' is not understood", advice: "use a tokenizer without it, or a newer Clues")
    }
  }

  func unknown(_ what: String, among known: [String]) -> Failure {
    Failure(
      .badData, "'\(path)' is of the type '\(what)', which is not understood",
      advice: "understood here: \(known.joined(separator: ", "))")
  }

  func value(_ key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  func text(_ key: String) throws -> String {
    guard let text = try textIfAny(key) else { throw Failure(.badData, "'\(path).\(key)' is missing") }
    return text
  }

  func textIfAny(_ key: String) throws -> String? {
    try value(key).map { value in
      guard let text = value.stringValue else { throw wrong(key, value, "a text") }
      return text
    }
  }

  /// A text that is put into others or looked for in them, and so has to be short.
  func shortText(_ key: String) throws -> [UInt8] {
    let bytes = Array(try text(key).utf8)
    guard !bytes.isEmpty, bytes.count <= 256 else {
      throw Failure(.badData, "'\(path).\(key)' has \(bytes.count) bytes; it may have from 1 to 256")
    }
    return bytes
  }

  /// A text of one character.
  func character(_ key: String) throws -> [UInt8] {
    let text = try text(key)
    guard text.unicodeScalars.count == 1 else {
      throw Failure(.badData, "'\(path).\(key)' is not one character")
    }
    return Array(text.utf8)
  }

  func flag(_ key: String, _ byDefault: Bool? = nil) throws -> Bool {
    guard let value = value(key) else {
      if let byDefault { return byDefault }
      throw Failure(.badData, "'\(path).\(key)' is missing")
    }
    guard let flag = value.boolValue else { throw wrong(key, value, "true or false") }
    return flag
  }

  func number(_ key: String) throws -> Int {
    guard let value = value(key) else { throw Failure(.badData, "'\(path).\(key)' is missing") }
    guard let number = value.intValue else { throw wrong(key, value, "a whole number") }
    return number
  }

  func list(_ key: String) throws -> [JSONValue] {
    guard let value = value(key) else { return [] }
    guard let list = value.arrayValue else { throw wrong(key, value, "a list") }
    return list
  }

  private func wrong(_ key: String, _ value: JSONValue, _ due: String) -> Failure {
    Failure(.badData, "'\(path).\(key)' is \(value.kindName); \(due) is expected there")
  }
}

/// The parts that a part consists of: those of a `Sequence` in order, or itself.
///
/// - parameter key: Where a `Sequence` of this kind holds its parts.
func flattened(_ value: JSONValue?, _ path: String, key: String, depth: Int = 0) throws -> [FilePart] {
  guard let value, !value.isNull else { return [] }
  let part = try FilePart(value, path)
  guard try part.type() == "Sequence" else { return [part] }
  try part.allowOnly(key)
  guard depth < 8 else { throw Failure(.badData, "'\(path)' nests sequences deeper than 8 levels") }
  let steps = try part.list(key).enumerated().flatMap { place, step in
    try flattened(step, "\(path).\(key)[\(place)]", key: key, depth: depth + 1)
  }
  guard steps.count <= 32 else { throw Failure(.badData, "'\(path)' has \(steps.count) steps; it may have 32") }
  return steps
}
