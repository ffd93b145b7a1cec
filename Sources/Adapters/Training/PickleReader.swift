import Diagnostics
import Tensors

/// Reads the pickle inside a file of `torch.save` without executing anything.
///
/// A pickle is a program for a stack machine that can import and call anything. This machine cannot import: a name
/// stays a name, and the only calls it accepts are the four that tensors are made of. Any other operation or name is
/// an error that says which. The operations are those of PyTorch's own
/// `weights_only` reader (`torch/_weights_only_unpickler.py`) that an optimizer state needs.
struct PickleReader {
  private let raw: UnsafeRawBufferPointer
  private let record: (String) throws -> TorchArchive.Record
  private var at = 0
  private var pickle = Pickle()
  private var stack: [Pickle.Reference] = []
  /// Where the marked parts of the stack start.
  private var marks: [Int] = []
  private var memo: [Int: Pickle.Reference] = [:]

  /// Reads `data.pkl` of an archive.
  ///
  /// - throws: ``Failure`` `badData` that names the operation, the name or the record at fault.
  static func read(_ archive: TorchArchive, limits: Limits = Limits()) throws -> Pickle {
    let data = try archive.record("data.pkl")
    guard data.bytes.count <= limits[.pickleSize] else {
      throw Failure(
        beyond: .pickleSize,
        "has a pickle of \(data.bytes.count) bytes; at most \(limits[.pickleSize]) are read")
    }
    try data.verify()
    return try data.bytes.withUnsafeBytes { raw in
      var reader = PickleReader(raw: raw, record: archive.record)
      return try reader.run(operations: limits[.pickleOperations])
    }
  }

  private init(raw: UnsafeRawBufferPointer, record: @escaping (String) throws -> TorchArchive.Record) {
    self.raw = raw
    self.record = record
  }

  private mutating func run(operations: Int) throws -> Pickle {
    for _ in 0..<operations {
      let opcode = try byte()
      if opcode == UInt8(ascii: ".") {
        let root = try pop()
        guard stack.isEmpty, marks.isEmpty, at == raw.count else {
          throw Failure(.badData, "its pickle leaves values on the stack when it stops")
        }
        pickle.root = root
        return pickle
      }
      try execute(opcode)
    }
    throw Failure(
      beyond: .pickleOperations,
      "its pickle takes more than \(operations) operations; the state of a LoRA adapter rarely needs so many")
  }

  private mutating func execute(_ opcode: UInt8) throws {
    switch opcode {
    case 0x80:
      let version = try byte()
      guard version == 2 else {
        throw Failure(
          .badData, "its pickle has protocol \(version), but only 2 is supported",
          advice: "save it with torch.save, without pickle_protocol")
      }
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "K"): push(.integer(Int64(try byte())))
    case UInt8(ascii: "M"): push(.integer(Int64(try number(UInt16.self))))
    case UInt8(ascii: "J"): push(.integer(Int64(Int32(bitPattern: try number(UInt32.self)))))
    case 0x8A: push(.integer(try longInteger()))
    case UInt8(ascii: "G"): push(.real(Double(bitPattern: UInt64(bigEndian: try number(UInt64.self)))))
    case UInt8(ascii: "X"): push(.text(try text(count: Int(try number(UInt32.self)))))
    case UInt8(ascii: "U"): push(.text(try text(count: Int(try byte()))))
    case UInt8(ascii: "}"): push(.dictionary([]))
    case UInt8(ascii: "]"): push(.list([]))
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "t"): push(.tuple(try popMarked()))
    case 0x85, 0x86, 0x87:
      var items: [Pickle.Reference] = []
      for _ in 0..<Int(opcode - 0x84) { items.append(try pop()) }
      push(.tuple(items.reversed()))
    case UInt8(ascii: "a"):
      let item = try pop()
      try append([item])
    case UInt8(ascii: "e"): try append(try popMarked())
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try set([key, value])
    case UInt8(ascii: "u"): try set(try popMarked())
    case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
    case UInt8(ascii: "r"): memo[Int(try number(UInt32.self))] = try top()
    case UInt8(ascii: "h"): try recall(Int(try byte()))
    case UInt8(ascii: "j"): try recall(Int(try number(UInt32.self)))
    case UInt8(ascii: "c"): push(.name(try global()))
    case UInt8(ascii: "R"):
      let arguments = try pop()
      stack.append(try call(try pop(), arguments))
    case UInt8(ascii: "Q"): push(.storage(try storage(try pop())))
    default:
      let name = Self.refusedOpcodes[opcode] ?? "0x" + String(opcode, radix: 16)
      throw Failure(
        .badData, "its pickle uses the operation \(name), which an optimizer state does not need",
        advice: Self.refusalAdvice)
    }
  }
}

// MARK: - Stack and memo

extension PickleReader {
  private mutating func push(_ value: Pickle.Value) { stack.append(pickle.add(value)) }

  private func top() throws -> Pickle.Reference {
    guard stack.count > marks.last ?? 0, let reference = stack.last else {
      throw Failure(.badData, "its pickle takes a value from an empty stack")
    }
    return reference
  }

  private mutating func pop() throws -> Pickle.Reference {
    let reference = try top()
    stack.removeLast()
    return reference
  }

  private mutating func popMarked() throws -> [Pickle.Reference] {
    guard let mark = marks.popLast() else { throw Failure(.badData, "its pickle closes what it never opened") }
    // A separate array: with a slice, the next line would copy the whole stack.
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  private mutating func recall(_ id: Int) throws {
    guard let reference = memo[id] else {
      throw Failure(.badData, "its pickle recalls value \(id), which it never stored")
    }
    stack.append(reference)
  }

  private mutating func append(_ items: [Pickle.Reference]) throws {
    let target = try top()
    guard pickle.append(items, to: target) else {
      throw Failure(
        .badData, "its pickle appends to \(pickle[target].kindName), which is not a list", advice: Self.refusalAdvice)
    }
  }

  private mutating func set(_ items: [Pickle.Reference]) throws {
    guard items.count.isMultiple(of: 2) else { throw Failure(.badData, "its pickle sets a key without a value") }
    let target = try top()
    guard pickle.set(items, in: target) else {
      throw Failure(
        .badData, "its pickle sets a member of \(pickle[target].kindName), which is not a dict",
        advice: Self.refusalAdvice)
    }
  }
}

// MARK: - Names and calls

extension PickleReader {
  /// The names that may be called, all handled by ``call(_:_:)``.
  private static let callable: Set<String> = [
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter", "collections.OrderedDict", "torch.Size",
  ]

  private static let refusalAdvice =
    "do not load this file with other software either; if it is your own, save it so that "
    + "torch.load(path, weights_only=True) takes it"

  private mutating func global() throws -> String {
    let name = "\(try identifierLine()).\(try identifierLine())"
    let isType = name.hasPrefix("torch.") && DType(name: String(name.dropFirst(6))) != nil
    guard Self.callable.contains(name) || TorchStorage.dtypes[name] != nil || isType else {
      throw Failure(
        .badData, "its pickle calls \(name), which an optimizer state does not need", advice: Self.refusalAdvice)
    }
    return name
  }

  private mutating func call(_ function: Pickle.Reference, _ arguments: Pickle.Reference) throws -> Pickle.Reference {
    guard case .name(let name) = pickle[function], Self.callable.contains(name) else {
      throw Failure(
        .badData, "its pickle calls \(pickle[function].kindName), which an optimizer state does not need",
        advice: Self.refusalAdvice)
    }
    let fault = Failure(.badData, "its pickle calls \(name) with invalid arguments")
    guard case .tuple(let arguments) = pickle[arguments] else { throw fault }
    switch name {
    case "torch._utils._rebuild_tensor_v2": return pickle.add(.tensor(try tensor(arguments, fault)))
    case "torch._utils._rebuild_parameter":
      guard arguments.count == 3, case .tensor = pickle[arguments[0]] else { throw fault }
      return arguments[0]
    case "torch.Size":
      guard arguments.count == 1, case .tuple = pickle[arguments[0]] else { throw fault }
      return arguments[0]
    default:
      guard arguments.isEmpty else { throw fault }
      return pickle.add(.dictionary([]))
    }
  }

  /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`.
  private func tensor(_ arguments: [Pickle.Reference], _ fault: Failure) throws -> TorchTensor {
    guard arguments.count == 6 || arguments.count == 7, case .storage(let storage) = pickle[arguments[0]],
      case .integer(let offset) = pickle[arguments[1]], let shape = integers(arguments[2]),
      let strides = integers(arguments[3])
    else { throw fault }
    return try TorchTensor(storage: storage, offset: Int(offset), shape: shape, strides: strides)
  }

  private func integers(_ reference: Pickle.Reference) -> [Int]? {
    guard case .tuple(let items) = pickle[reference], items.count <= TorchTensor.maximumAxes else { return nil }
    let numbers = items.compactMap { item in if case .integer(let value) = pickle[item] { Int(value) } else { nil } }
    return numbers.count == items.count ? numbers : nil
  }

  /// The persistent id `('storage', class, key, location, elements)`.
  private func storage(_ id: Pickle.Reference) throws -> TorchStorage {
    guard case .tuple(let parts) = pickle[id], parts.count == 5, case .text("storage") = pickle[parts[0]],
      case .name(let type) = pickle[parts[1]], case .text(let key) = pickle[parts[2]],
      case .integer(let count) = pickle[parts[4]]
    else { throw Failure(.badData, "its pickle refers to an external object that is not a tensor storage") }
    guard let dtype = TorchStorage.dtypes[type] else {
      throw Failure(.badData, "its pickle makes a storage of \(type), which is not a storage class")
    }
    guard key.utf8.count <= 20, key.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else {
      throw Failure(.badData, "its pickle refers to a storage whose key is not a number")
    }
    let record = try record("data/\(key)")
    let (size, overflow) = Int(count).multipliedReportingOverflow(by: dtype.size)
    guard !overflow, size == record.bytes.count else {
      throw Failure(
        .badData,
        "its storage \(key) should hold \(count) elements of \(dtype.torchName) but has "
          + "\(record.bytes.count) bytes",
        advice: "it was saved without its data or truncated: copy it again")
    }
    return TorchStorage(record: record, dtype: dtype)
  }
}

// MARK: - Bytes

extension PickleReader {
  private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count <= raw.count - at else {
      throw Failure(.badData, "its pickle ends early", advice: "it may have been truncated: copy it again")
    }
    defer { at += count }
    return UnsafeRawBufferPointer(rebasing: raw[at..<at + count])
  }

  private mutating func byte() throws -> UInt8 { try take(1)[0] }

  private mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
    Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
  }

  /// The bytes of the longest string. A pickle can refer to a string any number of times, and every use of it as a key takes
  /// time in proportion to its length.
  private static let maximumText = 4096

  private mutating func text(count: Int) throws -> String {
    let bytes = try take(count)
    guard count <= Self.maximumText else {
      throw Failure(.badData, "its pickle has a string of \(count) bytes, longer than in any optimizer state")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "its pickle has a string that is not valid UTF-8")
    }
    guard !hasTooManyCombiningMarks(text) else {
      throw Failure(
        .badData, "its pickle has a string with more than \(maximumCombiningMarks) combining marks in a row")
    }
    return text
  }

  /// LONG1: a count of bytes, then that many bytes of a two's complement number, lowest first.
  private mutating func longInteger() throws -> Int64 {
    let bytes = try take(Int(try byte()))
    guard bytes.count <= 16 else {
      throw Failure(.badData, "its pickle has an integer of \(bytes.count) bytes")
    }
    let fill: UInt8 = (bytes.last ?? 0) & 0x80 == 0 ? 0 : 0xFF
    let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64($1 < bytes.count ? bytes[$1] : fill) << UInt64($1 * 8) }
    let value = Int64(bitPattern: word)
    guard bytes.dropFirst(8).allSatisfy({ $0 == fill }), (value < 0) == (fill == 0xFF) else {
      throw Failure(.badData, "its pickle has an integer of more than 64 bits")
    }
    return value
  }

  /// A line that is a Python identifier with dots, so that a message can show it.
  private mutating func identifierLine() throws -> String {
    let rest = UnsafeRawBufferPointer(rebasing: raw[at...].prefix(257))
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")), end > 0 else {
      throw Failure(.badData, "its pickle has an invalid Python name", advice: Self.refusalAdvice)
    }
    let line = try text(count: end)
    at += 1
    guard
      line.unicodeScalars.allSatisfy({
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789_.".unicodeScalars.contains($0))
      })
    else {
      throw Failure(.badData, "its pickle has an invalid Python name", advice: Self.refusalAdvice)
    }
    return line
  }

  /// Operations that exist but are not supported, by their names in `pickletools`.
  private static let refusedOpcodes: [UInt8: String] = [
    UInt8(ascii: "0"): "POP", UInt8(ascii: "1"): "POP_MARK", UInt8(ascii: "2"): "DUP", UInt8(ascii: "F"): "FLOAT",
    UInt8(ascii: "I"): "INT", UInt8(ascii: "L"): "LONG", UInt8(ascii: "P"): "PERSID", UInt8(ascii: "S"): "STRING",
    UInt8(ascii: "T"): "BINSTRING", UInt8(ascii: "V"): "UNICODE", UInt8(ascii: "B"): "BINBYTES",
    UInt8(ascii: "C"): "SHORT_BINBYTES", UInt8(ascii: "b"): "BUILD", UInt8(ascii: "d"): "DICT",
    UInt8(ascii: "i"): "INST", UInt8(ascii: "l"): "LIST", UInt8(ascii: "o"): "OBJ", UInt8(ascii: "p"): "PUT",
    UInt8(ascii: "g"): "GET", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4",
    0x8C: "SHORT_BINUNICODE", 0x8D: "BINUNICODE8", 0x8E: "BINBYTES8", 0x8F: "EMPTY_SET", 0x90: "ADDITEMS",
    0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL", 0x94: "MEMOIZE", 0x95: "FRAME", 0x96: "BYTEARRAY8",
    0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
  ]
}
