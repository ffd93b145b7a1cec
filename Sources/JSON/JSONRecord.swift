import Diagnostics

/// A JSON object whose members are declared once, for reading and for writing.
///
/// Members that are not declared are passed over: a later version may have written them.
package protocol JSONRecord: Sendable {
  /// A record with nothing in it, for the reader to fill.
  init()

  /// The members in the order in which they are written.
  static var fields: [JSONField<Self>] { get }
}

/// A record that is a file of its own, and names its kind and version under `schema`.
package protocol JSONDocument: JSONRecord {
  static var schema: String { get }

  /// The refusal of everything that names another schema, or none.
  static var foreign: Failure { get }
}

/// One member of a record: its name, what may stand there, and the property that takes it.
package struct JSONField<Record>: Sendable {
  package let name: String
  let read: @Sendable (JSONObject, inout Record) throws -> Void
  let write: @Sendable (Record, inout JSONObject) -> Void

  /// A member that must be there.
  package static func key<Value>(
    _ name: String, _ property: any WritableKeyPath<Record, Value> & Sendable, _ kind: JSONKind<Value>
  ) -> JSONField {
    JSONField(
      name: name,
      read: { object, record in
        record[keyPath: property] = try inside(name) {
          guard let value = object[name] else { throw JSONFault("is missing, where \(kind.expected) is expected") }
          return try kind.value(value)
        }
      },
      write: { record, object in object[name] = kind.write(record[keyPath: property]) })
  }

  /// A member that may be missing, or null, and then has the value of a new record.
  package static func optional<Value>(
    _ name: String, _ property: any WritableKeyPath<Record, Value> & Sendable, _ kind: JSONKind<Value>
  ) -> JSONField {
    JSONField(
      name: name, read: reading(name, kind) { $1[keyPath: property] = $0 },
      write: { record, object in object[name] = kind.write(record[keyPath: property]) })
  }

  /// A member without a value where it is missing, or null.
  ///
  /// - parameter isWritten: Whether it is written as null without a value, and not left out.
  package static func optional<Value>(
    _ name: String, _ property: any WritableKeyPath<Record, Value?> & Sendable, _ kind: JSONKind<Value>,
    isWritten: Bool = true
  ) -> JSONField {
    JSONField(
      name: name, read: reading(name, kind) { $1[keyPath: property] = $0 },
      write: { record, object in
        if let value = record[keyPath: property] {
          object[name] = kind.write(value)
        } else if isWritten {
          object[name] = .null
        }
      })
  }

  /// Reads a member that may be missing, or null, and passes its value on.
  private static func reading<Value>(
    _ name: String, _ kind: JSONKind<Value>, _ take: @escaping @Sendable (Value, inout Record) -> Void
  ) -> @Sendable (JSONObject, inout Record) throws -> Void {
    { object, record in
      guard let value = object[name], !value.isNull else { return }
      take(try inside(name) { try kind.value(value) }, &record)
    }
  }

  /// A member that is not written where there is nothing in it, and may be missing, or null, then.
  package static func unlessEmpty<Value: Collection & Sendable>(
    _ name: String, _ property: any WritableKeyPath<Record, Value> & Sendable, _ kind: JSONKind<Value>
  ) -> JSONField {
    let field = optional(name, property, kind)
    return JSONField(
      name: name, read: field.read,
      write: { record, object in if !record[keyPath: property].isEmpty { field.write(record, &object) } })
  }

  /// A record whose members stand among those of this one: all of them where `key` is there, else none.
  package static func inline<Part: JSONRecord>(
    _ property: any WritableKeyPath<Record, Part?> & Sendable, where key: String
  ) -> JSONField {
    JSONField(
      name: key,
      read: { object, record in
        guard let value = object[key], !value.isNull else { return }
        record[keyPath: property] = try Part(members: object)
      },
      write: { record, object in record[keyPath: property]?.write(to: &object) })
  }
}

/// What may stand under a name: what it is called in errors, and both directions.
package struct JSONKind<Value>: Sendable {
  /// "a string", "a whole number from 1 to 3".
  package let expected: String
  /// Nil where it is something else; a fault further inside is thrown.
  let read: @Sendable (JSONValue) throws -> Value?
  let write: @Sendable (Value) -> JSONValue

  package init(
    _ expected: String, read: @escaping @Sendable (JSONValue) throws -> Value?,
    write: @escaping @Sendable (Value) -> JSONValue
  ) {
    self.expected = expected
    self.read = read
    self.write = write
  }

  func value(_ json: JSONValue) throws -> Value {
    guard let value = try read(json) else {
      throw JSONFault("is \(found(json)), not \(expected)")
    }
    return value
  }

  /// What was found instead; a value of the right kind that is out of range is shown.
  private func found(_ json: JSONValue) -> String {
    switch json {
    case .integer(let number) where expected.contains("number"): "\(number)"
    case .number(let number) where expected.contains("number"): "\(number)"
    case .string(let text) where expected.hasPrefix("'") || expected.contains("SHA-256"): "'\(text)'"
    default: json.kindName
    }
  }

  /// The same for values that pass a check, which throws a ``Failure``.
  package func checked(_ check: @escaping @Sendable (Value) throws -> Void) -> JSONKind {
    JSONKind(
      expected,
      read: { json in
        let value = try read(json)
        if let value { try check(value) }
        return value
      }, write: write)
  }

  /// The same for values of another type.
  ///
  /// - parameter expected: What is expected, where that is more.
  package func mapped<Other>(
    as expected: String? = nil, _ wrap: @escaping @Sendable (Value) throws -> Other?,
    _ unwrap: @escaping @Sendable (Other) -> Value
  ) -> JSONKind<Other> {
    JSONKind<Other>(
      expected ?? self.expected, read: { try read($0).flatMap { try wrap($0) } }, write: { write(unwrap($0)) })
  }
}

extension JSONKind<String> {
  package static let text = JSONKind("a string", read: { $0.stringValue }, write: { .string($0) })
  package static let sha256 = JSONKind(
    "a SHA-256 in lower case",
    read: { $0.stringValue.flatMap { text in text.utf8.count == 64 && text.utf8.allSatisfy(isHexDigit) ? text : nil } },
    write: { .string($0) })

  @Sendable private static func isHexDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte || 0x61...0x66 ~= byte }
}

extension JSONKind<Bool> {
  package static let flag = JSONKind("true or false", read: { $0.boolValue }, write: { .bool($0) })
}

extension JSONKind<Int> {
  package static let whole = JSONKind("a whole number", read: { $0.intValue }, write: { JSONValue($0) })

  /// How many there are of something.
  package static let count = JSONKind(
    "a whole number of at least 0", read: { $0.intValue.flatMap { $0 < 0 ? nil : $0 } }, write: { JSONValue($0) })
}

extension JSONKind<Double> {
  /// A number; one that is not finite is written as null.
  package static let number = JSONKind("a number", read: { $0.doubleValue }, write: { JSON.number($0) })

  /// A number, or an infinity, which JSON has only as a text.
  package static let extended = JSONKind(
    "a number",
    read: { value in
      switch value {
      case "inf": .infinity
      case "-inf": -.infinity
      default: value.doubleValue
      }
    },
    write: { $0.isFinite ? .number($0) : .string("\($0)") })

  package static let positive = JSONKind(
    "a number above 0", read: { $0.doubleValue.flatMap { $0 > 0 ? $0 : nil } }, write: { .number($0) })
}

extension JSONKind<Double?> {
  /// A number, or null where there is none.
  package static let numberOrNull = JSONKind(
    "a number", read: { $0.isNull ? .some(nil) : $0.doubleValue.map { .some($0) } },
    write: { $0.map { JSON.number($0) } ?? .null })
}

extension JSONKind<JSONValue> {
  package static let any = JSONKind("a value", read: { $0 }, write: { $0 })
}

extension JSONKind<JSONObject> {
  package static let object = JSONKind("an object", read: { $0.objectValue }, write: { .object($0) })
}

extension JSONKind where Value: JSONRecord {
  package static var record: JSONKind {
    JSONKind("an object", read: { try $0.objectValue.map { try Value(members: $0) } }, write: { $0.json })
  }
}

extension JSONKind where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
  /// One of a few words.
  package static var word: JSONKind {
    let words = Value.allCases.map { "'\($0.rawValue)'" }.joined(separator: " or ")
    return JSONKind(words, read: { $0.stringValue.flatMap(Value.init(rawValue:)) }, write: { .string($0.rawValue) })
  }
}

extension JSONKind {
  package static func list<Element>(of kind: JSONKind<Element>, count: Int? = nil) -> JSONKind
  where Value == [Element] {
    JSONKind(
      count.map { "a list of \($0)" } ?? "a list",
      read: { json in
        guard let elements = json.arrayValue, count == nil || count == elements.count else { return nil }
        return try elements.enumerated().map { index, element in
          try inside(index) { try kind.value(element) }
        }
      },
      write: { .array($0.map(kind.write)) })
  }

  /// An object whose keys are names; they stay in order.
  package static func map<Element>(of kind: JSONKind<Element>) -> JSONKind
  where Value == [(key: String, value: Element)] {
    JSONKind(
      "an object",
      read: { json in
        try json.objectValue?.members.map { member in
          (key: member.key, value: try inside(member.key) { try kind.value(member.value) })
        }
      },
      write: { .object(JSONObject($0.map { ($0.key, kind.write($0.value)) })) })
  }
}

extension JSONKind {
  /// The same as a dictionary, written in the order of its keys.
  package static func dictionary<Element>(of kind: JSONKind<Element>) -> JSONKind where Value == [String: Element] {
    JSONKind<[(key: String, value: Element)]>.map(of: kind)
      .mapped({ Dictionary($0.map { ($0.key, $0.value) }) { first, _ in first } }, { $0.sorted { $0.key < $1.key } })
  }
}

extension JSONRecord {
  /// Reads a record.
  ///
  /// - parameters:
  ///   - name: What the way to a value begins with in errors, such as the name of the file.
  ///   - advice: What to do about a record that is damaged.
  /// - throws: ``Failure`` `badData` that says where which value is not what is expected.
  package init(_ json: JSONValue, named name: String? = nil, advice: String? = nil) throws {
    do {
      self = try JSONKind<Self>.record.value(json)
    } catch let fault as JSONFault {
      throw Failure(.badData, fault.text(below: name), advice: advice)
    }
  }

  fileprivate init(members: JSONObject) throws {
    self.init()
    for field in Self.fields { try field.read(members, &self) }
  }

  fileprivate func write(to object: inout JSONObject) { for field in Self.fields { field.write(self, &object) } }

  package var json: JSONValue {
    var object = JSONObject()
    write(to: &object)
    return .object(object)
  }
}

extension JSONDocument {
  /// Reads a document; the advice is that of ``foreign``.
  ///
  /// - throws: ``Failure`` `badData`.
  package init(document json: JSONValue, named name: String? = nil) throws {
    guard json.objectValue?["schema"]?.stringValue == Self.schema else { throw Self.foreign }
    try self.init(json, named: name, advice: Self.foreign.advice)
  }

  package var json: JSONValue {
    var object: JSONObject = ["schema": .string(Self.schema)]
    write(to: &object)
    return .object(object)
  }

  /// The text of the file.
  package var text: String { json.text(indented: true) + "\n" }
}

/// A value that is not what is expected, and the way to it.
struct JSONFault: Error {
  private let detail: String
  private var path = ""

  init(_ detail: String) { self.detail = detail }

  func below(_ step: String) -> JSONFault {
    var copy = self
    copy.path = step + (path.isEmpty || path.hasPrefix("[") ? "" : ".") + path
    return copy
  }

  func text(below name: String?) -> String {
    guard let name else { return path.isEmpty ? detail : "'\(path)' \(detail)" }
    return "\(path.isEmpty ? name : below(name).path) \(detail)"
  }
}

/// Runs `body`, which reads what stands under a key.
private func inside<Result>(_ key: String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let fault as JSONFault { throw fault.below(key) }
}

/// Runs `body`, which reads an element of a list.
private func inside<Result>(_ index: Int, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let fault as JSONFault { throw fault.below("[\(index)]") }
}
