import Diagnostics
import JSON

/// The purpose of a sample.
public enum Split: String, Sendable, CaseIterable {
  /// To be scored.
  case train
  /// Known to be good; its scores set the threshold.
  case anchor
  /// The target: its gradients are what the others are compared with.
  case validation
}

/// A sample as files name it; its text is never seen.
public struct Sample: Sendable, Hashable {
  public let split: Split
  /// Unique within the split. A number is converted to its digits.
  public let id: String
  public let domain: String?

  public init(split: Split, id: String, domain: String?) {
    (self.split, self.id, self.domain) = (split, id, domain)
  }

  /// Refuses an id that is empty or not a single line: ids of kept samples are written to a file, one per line.
  public static func check(id: String) throws {
    guard !id.isEmpty else { throw Failure(.badData, "has an empty 'id'", advice: "give each sample an id") }
    let breaks: Set<Unicode.GeneralCategory> = [.control, .lineSeparator, .paragraphSeparator]
    guard !id.unicodeScalars.contains(where: { breaks.contains($0.properties.generalCategory) }) else {
      throw Failure(
        .badData, "has the id '\(id)', which contains a line break or another control character",
        advice: "ids are written to files, one per line: give this sample another id")
    }
  }

  /// Refuses the id of the same sample in other bytes.
  func checkSpelling(of other: Sample) throws {
    guard let pair = twoSpellings(among: [other.id, id]) else { return }
    throw Failure(twoSpellingsOf: "the id of a \(split.rawValue) sample", pair.first, pair.second)
  }

  /// Reads the members `split`, `id` and `domain`.
  init(_ object: JSONObject) throws {
    guard let split = object["split"]?.stringValue else { throw Failure(.badData, "has no 'split'") }
    guard let known = Split(rawValue: split) else {
      throw Failure(
        .badData, "has the unknown split '\(split)'",
        advice: suggestion(for: split, among: Split.allCases.map(\.rawValue)))
    }
    let id = try Self.id(object)
    let domain: String?
    switch object["domain"] {
    case .string(let text): domain = text
    case nil, .null: domain = nil
    case let other?: throw Failure(.badData, "has \(other.kindName) as 'domain' instead of a string")
    }
    self.init(split: known, id: id, domain: domain)
  }

  /// The member `id`: a text, or a number, of which the digits count.
  public static func id(_ object: JSONObject) throws -> String {
    let id: String
    switch object["id"] {
    case .string(let text): id = text
    case .integer(let number): id = String(number)
    case .number(let number) where number.isFinite: id = JSONValue.number(number).text()
    case nil: throw Failure(.badData, "has no 'id'", advice: "give each sample an id")
    case let other?: throw Failure(.badData, "has \(other.kindName) as 'id' instead of a string or a number")
    }
    try check(id: id)
    return id
  }
}
