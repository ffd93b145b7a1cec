import Diagnostics
import JSON

/// A value of run.json that knows where it stands, so that what is missing can be named.
struct Field {
  let value: JSONValue
  private let path: String

  /// - parameter path: The file, and the way to the value in it.
  init(_ value: JSONValue, at path: String) {
    self.value = value
    self.path = path
  }

  /// The member; null where there is none.
  subscript(key: String) -> Field { Field(value.objectValue?[key] ?? .null, at: "\(path).\(key)") }

  /// The field unless it is null.
  var present: Field? { value.isNull ? nil : self }

  var text: String { get throws { try unwrap(value.stringValue, "a text") } }
  var whole: Int { get throws { try unwrap(value.intValue, "a whole number") } }
  var number: Double { get throws { try unwrap(value.doubleValue, "a number") } }

  /// A number, or an infinity, which JSON has only as a text.
  var extendedNumber: Double {
    get throws {
      switch value {
      case "inf": .infinity
      case "-inf": -.infinity
      default: try number
      }
    }
  }

  /// The numbers from this one to another.
  func range(to other: Field) throws -> ClosedRange<Double> {
    let (least, most) = (try number, try other.number)
    guard least <= most else { throw Failure(.badData, "\(path) is more than \(other.path)") }
    return least...most
  }

  var list: [Field] {
    get throws {
      try unwrap(value.arrayValue, "a list").enumerated().map { Field($1, at: "\(path)[\($0)]") }
    }
  }

  var members: [(key: String, field: Field)] {
    get throws {
      try unwrap(value.objectValue, "an object").members.map { ($0.key, Field($0.value, at: "\(path).\($0.key)")) }
    }
  }

  private func unwrap<Value>(_ value: Value?, _ kind: String) throws -> Value {
    guard let value else {
      throw Failure(
        .badData, "\(path) is \(self.value.kindName), not \(kind)",
        advice: "a report is made of what `clues run` wrote; make the run again with this version of Clues")
    }
    return value
  }

  /// Refuses a list that does not have as many elements as it must.
  func list(of count: Int) throws -> [Field] {
    let list = try list
    guard list.count == count else {
      throw Failure(.badData, "\(path) has \(list.count) elements instead of \(count)")
    }
    return list
  }
}
