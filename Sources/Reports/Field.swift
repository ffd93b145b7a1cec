import Diagnostics
import JSON

/// A value of run.json with its location, so that errors can name it.
struct Field {
  let value: JSONValue
  private let path: String

  /// - parameter path: The file, and the path to the value in it.
  init(_ value: JSONValue, at path: String) {
    self.value = value
    self.path = path
  }

  /// The member; null if there is none.
  subscript(key: String) -> Field { Field(value.objectValue?[key] ?? .null, at: "\(path).\(key)") }

  /// The field unless it is null.
  var present: Field? { value.isNull ? nil : self }

  var text: String { get throws { try unwrap(value.stringValue, "a string") } }
  var whole: Int { get throws { try unwrap(value.intValue, "an integer") } }
  var number: Double { get throws { try unwrap(value.doubleValue, "a number") } }

  /// A number, or an infinity, which JSON can only express as a string.
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
        advice: "a report is made from the output of `clues run`; repeat the run with this version of Clues")
    }
    return value
  }

  /// Refuses a list with the wrong number of elements.
  func list(of count: Int) throws -> [Field] {
    let list = try list
    guard list.count == count else {
      throw Failure(.badData, "\(path) has \(list.count) elements instead of \(count)")
    }
    return list
  }
}
