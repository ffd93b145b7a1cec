import Diagnostics

/// Values of the metadata by type: nil if the key is absent.
///
/// - throws: ``Failure`` `badData` that names the key, if it has a value of another type.
extension [String: GGUFValue] {
  package func text(_ key: String) throws -> String? { try value(key, "a text", \.textValue) }
  package func integer(_ key: String) throws -> Int? { try value(key, "a whole number", \.integerValue) }
  package func flag(_ key: String) throws -> Bool? { try value(key, "true or false", \.flagValue) }
  package func texts(_ key: String) throws -> [String]? { try list(key, "texts", \.textValue) }
  package func integers(_ key: String) throws -> [Int]? { try list(key, "whole numbers", \.integerValue) }
  package func numbers(_ key: String) throws -> [Double]? { try list(key, "numbers", \.numberValue) }

  private func value<Read>(_ key: String, _ due: String, _ read: (GGUFValue) -> Read?) throws -> Read? {
    guard let stored = self[key] else { return nil }
    guard let value = read(stored) else { throw Failure(.badData, "'\(key)' is not \(due)") }
    return value
  }

  private func list<Read>(_ key: String, _ due: String, _ read: (GGUFValue) -> Read?) throws -> [Read]? {
    try value(key, "a list of \(due)") { stored in
      guard let elements = stored.arrayValue else { return nil }
      let values = elements.compactMap(read)
      return values.count == elements.count ? values : nil
    }
  }
}
