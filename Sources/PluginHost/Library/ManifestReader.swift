import Diagnostics
import JSON

/// Reads the members of an object in a manifest and reports faults in them.
struct ManifestReader {
  private let object: JSONObject
  private let subject: String

  init(_ object: JSONObject, _ subject: String) {
    self.object = object
    self.subject = subject
  }

  func fault(_ message: String) -> Failure { Failure(.pluginFailed, "\(subject) \(message)") }

  func value(_ key: String) throws -> JSONValue {
    guard let value = object[key] else { throw fault("lacks '\(key)'") }
    return value
  }

  func text(_ key: String) throws -> String {
    guard let text = try value(key).stringValue, !text.utf8.contains(0) else {
      throw fault("has a '\(key)' that is not a text")
    }
    return text
  }

  func optionalText(_ key: String) throws -> String? { try value(key).isNull ? nil : text(key) }

  func texts(_ key: String) throws -> [String] {
    let texts = try value(key).arrayValue?.compactMap(\.stringValue)
    guard let texts, texts.count == object[key]?.arrayValue?.count, Set(texts).count == texts.count else {
      throw fault("has a '\(key)' that is not a list of different texts")
    }
    return texts
  }

  func flag(_ key: String) throws -> Bool {
    guard let flag = try value(key).boolValue else { throw fault("has a '\(key)' that is neither true nor false") }
    return flag
  }

  /// False if missing.
  func optionalFlag(_ key: String) throws -> Bool { try object[key] == nil ? false : flag(key) }

  func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int {
    guard let integer = try value(key).intValue, range.contains(integer) else {
      throw fault("has a '\(key)' that is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
    try value(key).isNull ? nil : integer(key, in: range)
  }

  func choice<Choice: RawRepresentable>(_ key: String, _ name: String) throws -> Choice
  where Choice.RawValue == String {
    guard let choice = Choice(rawValue: name) else {
      throw fault("has a '\(key)' of '\(name)', which this host does not know")
    }
    return choice
  }

  /// Readers of the objects in a list.
  func objects(_ key: String) throws -> [ManifestReader] {
    guard let list = try value(key).arrayValue, list.count <= PluginLibraryFile.mostOfAKind else {
      throw fault("has a '\(key)' that is not a list")
    }
    return try list.enumerated().map { index, value in
      guard let object = value.objectValue else { throw fault("has something in '\(key)' that is not an object") }
      let name = object["id"]?.stringValue.map { "'\($0)'" } ?? "entry \(index)"
      return ManifestReader(object, "its manifest describes \(name) incorrectly: it")
    }
  }
}
