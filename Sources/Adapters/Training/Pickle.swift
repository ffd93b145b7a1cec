/// What a pickle describes, as inert values.
///
/// Values are stored side by side and refer to each other by number. So a value that the stream uses a thousand times
/// exists once, cycles are harmless, and nothing, not even freeing memory, recurses into nesting that a hostile stream made
/// deep: readers follow only the few levels that they expect.
struct Pickle: Sendable {
  /// A value's number.
  struct Reference: Hashable, Sendable {
    fileprivate let index: Int32
  }

  enum Value: Sendable {
    case none
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case tuple([Reference])
    case list([Reference])
    /// The pairs in the order in which they were set; keys may repeat.
    case dictionary([(key: Reference, value: Reference)])
    /// The name of a class or function; nothing is ever looked up by it.
    case name(String)
    indirect case storage(TorchStorage)
    indirect case tensor(TorchTensor)
  }

  private var values: [Value] = []

  /// The value of the whole stream.
  var root = Reference(index: 0)

  subscript(reference: Reference) -> Value { values[Int(reference.index)] }

  mutating func add(_ value: Value) -> Reference {
    values.append(value)
    return Reference(index: Int32(values.count - 1))
  }

  /// Appends to a list, in place; false if the value is not a list.
  mutating func append(_ items: [Reference], to reference: Reference) -> Bool {
    guard case .list(var elements) = self[reference] else { return false }
    values[Int(reference.index)] = .none
    elements.append(contentsOf: items)
    values[Int(reference.index)] = .list(elements)
    return true
  }

  /// Sets members of a dictionary, in place, from alternating keys and values; false if the value is not a dictionary.
  mutating func set(_ items: [Reference], in reference: Reference) -> Bool {
    guard case .dictionary(var members) = self[reference] else { return false }
    values[Int(reference.index)] = .none
    for place in stride(from: 0, to: items.count - 1, by: 2) {
      members.append((key: items[place], value: items[place + 1]))
    }
    values[Int(reference.index)] = .dictionary(members)
    return true
  }
}

extension Pickle.Value {
  /// What this is, for a message, in Python's words.
  var kindName: String {
    switch self {
    case .none: "None"
    case .bool: "a bool"
    case .integer: "an int"
    case .real: "a float"
    case .text: "a str"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dict"
    case .name(let name): "the name \(name)"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}
