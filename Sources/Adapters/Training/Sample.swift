import Diagnostics
import JSON

/// What a sample is for.
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
  /// Unique within the split. A number is taken as its digits.
  public let id: String
  public let domain: String?

  public init(split: Split, id: String, domain: String?) {
    (self.split, self.id, self.domain) = (split, id, domain)
  }

  /// Refuses an id that is empty or does not fit in one line: ids of kept samples stand in a file, one a line.
  public static func check(id: String) throws {
    guard !id.isEmpty else { throw Failure(.badData, "has an empty text as 'id'", advice: "give each sample an id") }
    let breaks: Set<Unicode.GeneralCategory> = [.control, .lineSeparator, .paragraphSeparator]
    guard !id.unicodeScalars.contains(where: { breaks.contains($0.properties.generalCategory) }) else {
      throw Failure(
        .badData, "has the id '\(id)', which holds a line break or another control character",
        advice: "ids stand in files, one a line: give this sample another id")
    }
  }

  /// Reads the members `split`, `id` and `domain`.
  init(_ object: JSONObject) throws {
    guard let split = object["split"]?.stringValue else { throw Failure(.badData, "names no 'split'") }
    guard let known = Split(rawValue: split) else {
      throw Failure(
        .badData, "names a split '\(split)' that does not exist",
        advice: suggestion(for: split, among: Split.allCases.map(\.rawValue)))
    }
    let id: String
    switch object["id"] {
    case .string(let text): id = text
    case .integer(let number): id = String(number)
    case .number(let number) where number.isFinite: id = JSONValue.number(number).text()
    case nil: throw Failure(.badData, "names no 'id'")
    case let other?: throw Failure(.badData, "has \(other.kindName) as 'id' where a text or a number is due")
    }
    try Self.check(id: id)
    let domain: String?
    switch object["domain"] {
    case .string(let text): domain = text
    case nil, .null: domain = nil
    case let other?: throw Failure(.badData, "has \(other.kindName) as 'domain' where a text is due")
    }
    self.init(split: known, id: id, domain: domain)
  }
}
