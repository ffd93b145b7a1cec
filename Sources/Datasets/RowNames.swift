import Diagnostics
import JSON

/// The names of the rows of a file, and its unused keys.
struct RowNames {
  /// Whether the rows' 'group' is used.
  private let usesGroups: Bool

  /// The line of each id; nil if the file has none.
  private var ids: [String: Int]?
  private var count = 0
  /// Unused keys, and the first of them, in order of appearance.
  private var ignoredKeys: Set<String> = []
  private var ignored: [String] = []
  private static let mostNamed = 64

  /// Whether the file names its rows; otherwise their indices are their names.
  var hasIds: Bool { ids != nil }

  init(usesGroups: Bool) { self.usesGroups = usesGroups }

  /// The id, domain and group of a row.
  struct Names {
    let id: String
    let domain, group: String?
  }

  /// - throws: ``Failure`` `badData`: a duplicate id, or ids in only some rows.
  mutating func read(_ object: JSONObject, _ line: Int, known: Set<String>) throws -> Names {
    let id = try id(of: object, line)
    for key in object.keys where !known.contains(key) && !(usesGroups && key == "group") {
      if ignoredKeys.insert(key).inserted, ignored.count < Self.mostNamed { ignored.append(key) }
    }
    count += 1
    return Names(id: id, domain: try domain(of: object), group: usesGroups ? try Self.name("group", of: object) : nil)
  }

  private mutating func id(of object: JSONObject, _ line: Int) throws -> String {
    guard let given = try Self.name("id", of: object) else {
      guard ids == nil else {
        throw Failure(
          .badData, "has no 'id', but earlier samples have one", advice: "give all samples an id, or none")
      }
      return String(count)
    }
    if ids == nil, count > 0 {
      throw Failure(.badData, "has an 'id', but earlier samples have none", advice: "give all samples an id, or none")
    }
    if let first = ids?[given] {
      throw Failure(
        .badData, "has the same id '\(given)' as the sample in line \(first)", advice: "give every sample its own id")
    }
    ids = ids ?? [:]
    ids?[given] = line
    return given
  }

  private static func name(_ key: String, of object: JSONObject) throws -> String? {
    switch object[key] {
    case .string(let text)?: return text
    case .integer(let number)?: return String(number)
    case nil, .null?: return nil
    case let other?: throw Failure(.badData, "has \(other.kindName) as '\(key)' instead of a text or a whole number")
    }
  }

  private func domain(of object: JSONObject) throws -> String? {
    switch object["domain"] {
    case .string(let text)?: return text
    case nil, .null?: return nil
    case let other?: throw Failure(.badData, "has \(other.kindName) as 'domain' instead of a text")
    }
  }

  /// Remarks for the user about the file.
  func notes(_ path: String) -> [String] {
    guard !ignored.isEmpty else { return [] }
    let more = ignoredKeys.count - ignored.count
    let names = ignored.map { "'\($0)'" } + (more > 0 ? ["\(more) more"] : [])
    let list = names.count > 1 ? names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "") : names[0]
    return ["\(path): \(list) \(names.count > 1 ? "are" : "is") not used"]
  }
}
