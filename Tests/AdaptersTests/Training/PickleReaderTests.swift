import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Adapters

@Suite struct PickleReaderTests {
  private func read(_ pickle: [UInt8], storages: [[Float]] = [[1, 2, 3, 4, 5, 6]]) throws -> Pickle {
    try PickleReader.read(try TorchArchive(Bytes(torchFile(pickle, storages: storages).bytes())))
  }

  private func message(_ python: Python) -> String? { message(python.pickle) }

  private func message(_ pickle: [UInt8]) -> String? { failure { _ = try read(pickle) }?.message }

  @Test func readsEveryKindOfValue() throws {
    let python = Python.dict([
      ("none", .none), ("flag", .flag(true)), ("int", -5), ("real", 0.1), ("tuple", .tuple([1, 2])),
      ("list", .list([3])),
      ("dtype", .global("torch", "float32")), ("size", .call(.global("torch", "Size"), [.tuple([4])])),
      ("long", .raw([0x8A, 9] + little(Int64(-7)) + [0xFF])), ("short", .raw(Array("U".utf8) + [2] + Array("ab".utf8))),
      ("two", .raw([0x4D, 0x34, 0x12])), ("small", .raw([0x4B, 0xC8])),
      ("pair", .raw(Array("K".utf8) + [1, 0x4B, 2, 0x86])),
      (
        "parameter",
        .call(
          .global("torch._utils", "_rebuild_parameter"),
          [.tensor("0", elements: 6, shape: [2, 3], strides: [3, 1]), .flag(true), .none])
      ),
    ])
    let fields = PickleFields(try read(python.pickle))
    let members = try fields.members(of: fields.pickle.root, "root")
    func kind(_ key: String) throws -> String { fields.pickle[try #require(members[key])].kindName }
    #expect(try kind("none") == "None")
    #expect(try kind("dtype") == "the name torch.float32")
    #expect(try kind("size") == "a tuple")
    #expect(try kind("parameter") == "a tensor")
    #expect(try fields.number(try #require(members["int"]), "") == -5)
    #expect(try fields.number(try #require(members["real"]), "") == 0.1)
    #expect(try fields.number(try #require(members["long"]), "") == -7)
    #expect(try fields.number(try #require(members["two"]), "") == 0x1234)
    #expect(try fields.number(try #require(members["small"]), "") == 200)
    #expect(try fields.text(try #require(members["short"]), "") == "ab")
    #expect(try fields.items(of: try #require(members["pair"]), "").map { try fields.number($0, "") } == [1, 2])
  }

  @Test func executesNothing() {
    let system = "its pickle calls os.system, which an optimizer state does not need"
    let attack = Python.call(.global("os", "system"), ["echo owned"])
    #expect(message(attack) == system)
    #expect(
      failure { _ = try read(attack.pickle) }?.advice?.hasPrefix("do not load this file with other software") == true)
    #expect(message(.dict([(.text("state"), attack)])) == system)
    #expect(
      message(.global("builtins", "eval")) == "its pickle calls builtins.eval, which an optimizer state does not need")
    #expect(message(.global("torch.hub", "load"))?.contains("torch.hub.load") == true)
    // A known name is no licence to call it.
    #expect(
      message(.call(.global("torch", "FloatStorage"), [1]))
        == "its pickle calls the name torch.FloatStorage, which an optimizer state does not need")
    #expect(message(.call("text", [1])) == "its pickle calls a str, which an optimizer state does not need")
    #expect(message(.global("os\u{1B}[2J", "system")) == "its pickle has an invalid Python name")
  }

  @Test func namesOperationsItDoesNotKnow() {
    func refused(_ opcodes: [UInt8]) -> String? { message(.raw(opcodes)) }
    let ending = ", which an optimizer state does not need"
    #expect(refused(Array("}}b".utf8)) == "its pickle uses the operation BUILD" + ending)
    #expect(refused([0x93]) == "its pickle uses the operation STACK_GLOBAL" + ending)
    #expect(refused([0x81]) == "its pickle uses the operation NEWOBJ" + ending)
    #expect(refused(Array("(ios\nsystem\n".utf8)) == "its pickle uses the operation INST" + ending)
    #expect(refused([0xFE]) == "its pickle uses the operation 0xfe" + ending)
    #expect(message([0x80, 4, 0x2E]) == "its pickle has protocol 4, but only 2 is supported")
  }

  @Test func checksTheTargetsOfItemsAndMembers() {
    #expect(
      message(.raw(Array("]K".utf8) + [1] + Array("K".utf8) + [2] + Array("s".utf8)))
        == "its pickle sets a member of a list, which is not a dict")
    #expect(
      message(.raw(Array("}K".utf8) + [1] + Array("a".utf8))) == "its pickle appends to a dict, which is not a list")
    #expect(
      message(.raw(Array(")(K".utf8) + [1] + Array("e".utf8))) == "its pickle appends to a tuple, which is not a list")
    #expect(message(.raw(Array("}(K".utf8) + [1] + Array("u".utf8))) == "its pickle sets a key without a value")
    let tensor = Python.tensor("0", elements: 6, shape: [6], strides: [1])
    #expect(
      message(.raw(tensor.opcodes + Array("(NNu".utf8))) == "its pickle sets a member of a tensor, which is not a dict")
  }

  @Test func checksTheStackAndTheMemo() {
    #expect(message([0x80, 2, 0x2E]) == "its pickle takes a value from an empty stack")
    #expect(message(.raw(Array("t".utf8))) == "its pickle closes what it never opened")
    #expect(message(.raw(Array("K".utf8) + [1] + Array("(a".utf8))) == "its pickle takes a value from an empty stack")
    #expect(message(.raw(Array("h".utf8) + [9])) == "its pickle recalls value 9, which it never stored")
    #expect(message(.raw(Array("q".utf8) + [9])) == "its pickle takes a value from an empty stack")
    #expect(message(.raw(Array("NN".utf8))) == "its pickle leaves values on the stack when it stops")
    #expect(message(Python.none.pickle + [0x4E]) == "its pickle leaves values on the stack when it stops")
    #expect(message([0x80, 2, 0x58, 0xFF, 0xFF, 0xFF, 0xFF]) == "its pickle ends early")
    #expect(message([0x80, 2, 0x4E]) == "its pickle ends early")
  }

  @Test func boundsWholeNumbers() {
    #expect(
      message(.raw([0x8A, 255] + [UInt8](repeating: 1, count: 255))) == "its pickle has an integer of 255 bytes")
    #expect(
      message(.raw([0x8A, 9] + [UInt8](repeating: 1, count: 9)))
        == "its pickle has an integer of more than 64 bits")
    #expect(
      message(.raw([0x8A, 9] + [UInt8](repeating: 0xFF, count: 8) + [0]))
        == "its pickle has an integer of more than 64 bits")
    #expect(message(.raw([0x8A, 0])) == nil)
  }

  @Test(.timeLimit(.minutes(1))) func bombsStaySmall() throws {
    // Thirty-two levels of (x, x): four thousand million leaves to whoever walks it.
    var opcodes = Python.text("x").opcodes
    for level in 0..<32 { opcodes += Array("q".utf8) + [UInt8(level)] + Array("h".utf8) + [UInt8(level)] + [0x86] }
    _ = try read([0x80, 2] + opcodes + [0x2E])
    // A list that holds itself.
    _ = try read([0x80, 2] + Array("]q\u{0}h\u{0}a.".utf8))
    // A nesting of four hundred thousand lists, made and given back.
    let depth = 400_000
    let nested =
      [0x80, 2] + [UInt8](repeating: 0x5D, count: depth) + [UInt8](repeating: 0x61, count: depth - 1) + [0x2E]
    _ = try read(nested)
    #expect(
      failure { _ = try OptimizerState(Bytes(torchFile(nested).bytes())) }?.message
        == "the file is a list instead of a dict")
    // A deep stack with many small tuples on it.
    _ = failure {
      _ = try read(
        [0x80, 2] + [UInt8](repeating: 0x4E, count: 400_000) + [UInt8](repeating: 0x28, count: 1) + [0x74, 0x2E])
    }
    // One operation after the other, for ever.
    let long = [0x80, 2] + [UInt8](repeating: 0x4E, count: 1_000_001)
    #expect(
      message(long) == "its pickle takes more than 1000000 operations; the state of a LoRA adapter rarely needs so many"
    )
    var limits = Limits()
    limits[.pickleSize] = 100
    let archive = try TorchArchive(Bytes(torchFile(nested).bytes()))
    #expect(
      failure { _ = try PickleReader.read(archive, limits: limits) }?.message.contains("at most 100 are read") == true)
  }

  @Test func aTensorMustLieInItsStorage() {
    func fault(_ offset: Int, _ shape: [Int], _ strides: [Int]) -> String? {
      message(.tensor("0", elements: 6, offset: offset, shape: shape, strides: strides))
    }
    #expect(fault(0, [2, 3], [3, 1]) == nil)
    #expect(fault(0, [3, 2], [1, 3]) == nil)
    #expect(fault(5, [], []) == nil)
    #expect(fault(0, [0], [1]) == nil)
    #expect(fault(1, [2, 3], [3, 1])?.hasSuffix("leaves its storage of 6 elements") == true)
    #expect(fault(6, [], [])?.hasSuffix("leaves its storage of 6 elements") == true)
    #expect(fault(0, [2, 3], [1, 1])?.hasSuffix("overlaps itself") == true)
    #expect(fault(0, [1 << 30], [0])?.hasSuffix("overlaps itself") == true)
    #expect(fault(5, [2, 3], [-3, 1])?.hasSuffix("has a negative stride") == true)
    #expect(fault(-1, [2], [1])?.hasSuffix("has a negative stride") == true)
    #expect(fault(0, [-2], [1])?.hasSuffix("has a negative stride") == true)
    #expect(fault(0, [2, 3], [1])?.hasSuffix("does not have one stride per axis") == true)
    #expect(fault(0, [Int(Int32.max), Int(Int32.max), Int(Int32.max)], [1, 2, 3]) != nil)
    #expect(fault(0, [Int(Int32.max), 0, Int(Int32.max), Int(Int32.max)], [1, 1, 1, 1]) != nil)
    #expect(
      message(.call(.global("torch._utils", "_rebuild_tensor_v2"), [1, 2]))
        == "its pickle calls torch._utils._rebuild_tensor_v2 with invalid arguments")
  }

  @Test func aStorageMustBeThereAndWhole() {
    #expect(message(.storage("FloatStorage", "3", 6)) == "lacks its record 'data/3'")
    #expect(
      message(.storage("FloatStorage", "0", 7)) == "its storage 0 should hold 7 elements of float32 but has 24 bytes")
    #expect(message(.storage("DoubleStorage", "0", 3)) == nil)
    #expect(message(.storage("FloatStorage", "../x", 6)) == "its pickle refers to a storage whose key is not a number")
    #expect(
      message(.raw(Python.tuple([1]).opcodes + Array("Q".utf8)))
        == "its pickle refers to an external object that is not a tensor storage")
  }

  @Test func stridesAreHonoured() throws {
    let pickle = try read(Python.tensor("0", elements: 6, shape: [3, 2], strides: [1, 3]).pickle)
    guard case .tensor(let tensor) = pickle[pickle.root] else {
      Issue.record("no tensor")
      return
    }
    #expect(try tensor.rowMajor().floats() == [1, 4, 2, 5, 3, 6])
  }
}
