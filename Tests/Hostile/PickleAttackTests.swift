import Adapters
import Diagnostics
import Tensors
import TestSupport
import Testing

@Suite struct PickleAttackTests {
  static func file(_ pickle: [UInt8], storages: [[Float]] = [[1, 2, 3, 4, 5, 6]]) -> [UInt8] {
    torchFile(pickle, storages: storages).bytes()
  }

  static func attack(_ name: String, _ message: String, _ python: @escaping @Sendable () -> Python) -> Attack {
    Attack(name, message) { file(python().pickle) }
  }

  static func raw(_ name: String, _ message: String, _ opcodes: @escaping @Sendable () -> [UInt8]) -> Attack {
    Attack(name, message) { file([0x80, 2] + opcodes()) }
  }

  static func tensor(_ offset: Int, _ shape: [Int], _ strides: [Int]) -> Python {
    .tensor("0", elements: 6, offset: offset, shape: shape, strides: strides)
  }

  /// An optimizer state with this for 'state' and this for 'param_groups'.
  static func state(_ state: Python, _ groups: Python) -> Python {
    .dict([(.text("state"), state), (.text("param_groups"), groups)])
  }

  /// `count` times the value that was stored under 0.
  static func repeated(_ count: Int) -> Python {
    .raw(Array("](".utf8) + repeatElement([0x68, 0], count: count).joined() + Array("e".utf8))
  }

  /// The value, stored under 0 on the way.
  static func stored(_ python: Python, as id: UInt8 = 0) -> Python { .raw(python.opcodes + [0x71, id]) }

  static let moments: Python = .dict([
    (.text("step"), 1), (.text("exp_avg"), tensor(0, [6], [1])), (.text("exp_avg_sq"), tensor(0, [6], [1])),
  ])

  static let attacks: [Attack] = [
    attack("os.system", "its pickle calls os.system") { .call(.global("os", "system"), ["touch owned"]) },
    attack("posix.system", "its pickle calls posix.system") { .call(.global("posix", "system"), ["id"]) },
    attack("builtins.eval", "its pickle calls builtins.eval") { .call(.global("builtins", "eval"), ["1"]) },
    attack("subprocess", "its pickle calls subprocess.Popen") {
      .call(.global("subprocess", "Popen"), ["id"])
    },
    attack("torch.load again", "its pickle calls torch.load") { .call(.global("torch", "load"), ["x"]) },
    attack("a known name called wrongly", "its pickle calls the name torch.FloatStorage") {
      .call(.global("torch", "FloatStorage"), [1])
    },
    attack("a text that is called", "its pickle calls a str") { .call("os.system", ["id"]) },
    raw("STACK_GLOBAL", "the operation STACK_GLOBAL") {
      Python.text("os").opcodes + Python.text("system").opcodes + [0x93]
    },
    raw("INST", "the operation INST") { Array("(ios\nsystem\n.".utf8) },
    raw("OBJ", "the operation OBJ") { Array("(o.".utf8) },
    raw("BUILD", "the operation BUILD") { Array("}}b.".utf8) },
    raw("NEWOBJ", "the operation NEWOBJ") { Array("})".utf8) + [0x81] },
    raw("EXT1", "the operation EXT1") { [0x82, 1] },
    raw("PERSID", "the operation PERSID") { Array("Pid\n.".utf8) },
    raw("LONG4 of four gigabytes", "the operation LONG4") { [0x8B, 0xFF, 0xFF, 0xFF, 0x7F] },
    raw("LONG1 of 255 bytes", "an integer of 255 bytes") { [0x8A, 255] + [UInt8](repeating: 1, count: 255) },
    raw("LONG1 beyond 64 bits", "more than 64 bits") { [0x8A, 9] + [UInt8](repeating: 1, count: 9) },
    raw("BINBYTES", "the operation BINBYTES") { [0x42, 0xFF, 0xFF, 0xFF, 0xFF] },
    raw("a text longer than the pickle", "its pickle ends early") { [0x58, 0xFF, 0xFF, 0xFF, 0x7F] },
    raw("a text of a megabyte", "has a string of 1048576 bytes") {
      Python.text(String(repeating: "x", count: 1 << 20)).opcodes
    },
    raw("a text that is not UTF-8", "a string that is not valid UTF-8") { [0x58, 1, 0, 0, 0, 0xFF] },
    raw("a text of combining marks", "more than 256 combining marks") { Python.text(combiningMarks(1000)).opcodes },
    raw("no STOP", "its pickle ends early") { [0x4E] },
    raw("nothing but STOP", "takes a value from an empty stack") { [0x2E] },
    raw("more after STOP", "leaves values on the stack when it stops") { Array("N.N".utf8) },
    raw("an open MARK", "leaves values on the stack when it stops") { Array("N(N".utf8) + [0x2E] },
    raw("SETITEM on a list", "sets a member of a list, which is not a dict") {
      Array("]K".utf8) + [1, 0x4B, 2, 0x73, 0x2E]
    },
    raw("SETITEMS on a tuple", "sets a member of a tuple, which is not a dict") { Array(")(NNu.".utf8) },
    raw("SETITEM on a tensor", "sets a member of a tensor, which is not a dict") {
      tensor(0, [6], [1]).opcodes + Array("NNs.".utf8)
    },
    raw("APPEND on a dict", "appends to a dict, which is not a list") { Array("}Na.".utf8) },
    raw("APPENDS on a text", "appends to a str, which is not a list") { Python.text("x").opcodes + Array("(Ne.".utf8) },
    raw("memo that was never stored", "recalls value 4294967295, which it never stored") {
      [0x6A, 255, 255, 255, 255]
    },
    raw("a million operations", "takes more than 1000000 operations") { [UInt8](repeating: 0x4E, count: 1_000_001) },
    raw("four hundred thousand lists, nested", "the file is a list instead of a dict") {
      [UInt8](repeating: 0x5D, count: 400_000) + [UInt8](repeating: 0x61, count: 399_999) + [0x2E]
    },
    raw("a tuple of itself, thirty levels", "the file is a tuple instead of a dict") {
      (0..<30).reduce(into: Python.text("x").opcodes) { $0 += [0x71, UInt8($1), 0x68, UInt8($1), 0x86] } + [0x2E]
    },
    raw("a list that holds itself", "the file is a list instead of a dict") { Array("]q\u{0}h\u{0}a.".utf8) },
    attack("one group, half a million times", "lists a parameter group twice") {
      state(stored(.dict([(.int(0), moments)])), repeated(490_000))
    },
    attack("one list of parameters in many groups", "lists parameter 0 twice in its groups") {
      let parameters = stored(.list((0..<20_000).map { .int($0) }), as: 0)
      let again = Python.raw([0x68, 0])
      return state(
        .dict([(.int(0), moments)]),
        .list(
          [adamGroup([(.text("params"), parameters)])] + (0..<1000).map { _ in adamGroup([(.text("params"), again)]) }
            as [Python]))
    },
    attack("one state for many parameters", "gives parameter 1 the state of another parameter") {
      let shared = Python.raw([0x68, 0])
      return state(
        .dict([(.int(0), stored(moments))] + (1..<20_000).map { (Python.int($0), shared) }),
        .list([adamGroup([(.text("params"), .list([0]))])]))
    },
    attack("a million betas", "has betas that are not two numbers") {
      state(
        .dict([(.int(0), moments)]),
        .list([
          .dict([
            (.text("params"), .list([0])), (.text("betas"), .list(Array(repeating: 0.5, count: 200_000))),
            (.text("eps"), 0.1),
          ])
        ]))
    },
    attack("a dict of settings with too many", "which is too many") {
      state(
        .dict([(.int(0), .dict((0..<300).map { (Python.text("\($0)"), Python.int(1)) }))]),
        .list([adamGroup([(.text("params"), .list([0]))])]))
    },
    attack("storage that is not there", "lacks its record 'data/3'") { .storage("FloatStorage", "3", 6) },
    attack("storage with another size", "should hold 7 elements of float32 but has 24 bytes") {
      .storage("FloatStorage", "0", 7)
    },
    attack("storage of more than any memory", "should hold 2147483647 elements of float64") {
      .storage("DoubleStorage", "0", Int(Int32.max))
    },
    attack("storage by a path", "whose key is not a number") { .storage("FloatStorage", "../../etc/passwd", 6) },
    attack("storage of a class", "its pickle calls torch.UntypedStorageX") {
      .storage("UntypedStorageX", "0", 6)
    },
    attack("something outside that is none", "not a tensor storage") { .raw(Python.tuple([1]).opcodes + [0x51]) },
    attack("view behind its storage", "leaves its storage of 6 elements") { tensor(1, [2, 3], [3, 1]) },
    attack("view far behind its storage", "leaves its storage of 6 elements") { tensor(Int(Int32.max), [], []) },
    attack("view before its storage", "has a negative stride") { tensor(-1, [2], [1]) },
    attack("strides that overlap", "overlaps itself") { tensor(0, [2, 3], [1, 1]) },
    attack("one element, a thousand million times", "overlaps itself") { tensor(0, [1 << 30], [0]) },
    attack("strides that go backwards", "has a negative stride") { tensor(5, [2, 3], [-3, 1]) },
    attack("strides that overflow", "leaves its storage of 6 elements") {
      let wide = Python.raw([0x8A, 8] + little(Int64.max / 2))
      return .call(
        .global("torch._utils", "_rebuild_tensor_v2"),
        [.storage("FloatStorage", "0", 6), 0, .tuple([4, 4]), .tuple([wide, wide]), .flag(false), .none])
    },
    attack("fewer strides than axes", "does not have one stride per axis") { tensor(0, [2, 3], [1]) },
    attack("many axes", "with invalid arguments") {
      tensor(0, Array(repeating: 1, count: 40), Array(repeating: 1, count: 40))
    },
    attack("empty, but huge", "is empty but has an implausible offset or shape") {
      tensor(0, [Int(Int32.max), 0, Int(Int32.max)], [1, 1, 1])
    },
    attack("steps that are no number", "'step' of parameter 0 is nan") {
      state(
        .dict([
          (
            .int(0),
            .dict([
              (.text("step"), .real(.nan)), (.text("exp_avg"), tensor(0, [6], [1])),
              (.text("exp_avg_sq"), tensor(0, [6], [1])),
            ])
          )
        ]), .list([adamGroup([(.text("params"), .list([0]))])]))
    },
  ]

  static let containers: [Attack] = [
    Attack("the old format of torch", "was saved in the old format of PyTorch") {
      [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    },
    Attack("the oldest format of torch", "is a tar archive") { HandmadeTar.file("sys_info") },
    Attack("a bare pickle", "is a bare Python pickle") { Python.none.pickle },
    Attack("nothing", "is empty") { [] },
    Attack("noise", "is not a file of torch.save") { [UInt8](repeating: 0x41, count: 1000) },
    Attack("only the magic of a zip", "has no ZIP directory at its end") { [0x50, 0x4B, 3, 4] },
    Attack("cut in half", "has no ZIP directory at its end") {
      let whole = file(Python.none.pickle)
      return Array(whole[..<(whole.count / 2)])
    },
    Attack("a legacy zip without data.pkl", "lacks its record 'data.pkl'") {
      ZipWriter(records: [.init(name: "archive/constants.pkl", bytes: [1])]).bytes()
    },
    Attack("records in two folders", "is outside the folder 'a/'") {
      ZipWriter(records: [.init(name: "a/data.pkl", bytes: [1]), .init(name: "b/data/0", bytes: [1])]).bytes()
    },
    Attack("record that leaves the archive", "which leads out of the archive") {
      ZipWriter(records: [.init(name: "a/../../x", bytes: [1])]).bytes()
    },
    Attack("record twice", "has the record 'a/data.pkl' twice") {
      ZipWriter(records: [.init(name: "a/data.pkl", bytes: [1]), .init(name: "a/data.pkl", bytes: [2])]).bytes()
    },
    Attack("compressed record", "is compressed, which torch.save never does") {
      ZipWriter(records: [.init(name: "a/data.pkl", bytes: [1], method: 8)]).bytes()
    },
    Attack("encrypted record", "is encrypted") {
      var record = ZipWriter.Record(name: "a/data.pkl", bytes: [1])
      record.flags = 1
      return ZipWriter(records: [record]).bytes()
    },
    Attack("record with a wrong checksum", "is damaged: the checksum does not match") {
      var record = ZipWriter.Record(name: "a/data.pkl", bytes: Python.none.pickle)
      record.checksum = 1
      return ZipWriter(records: [record]).bytes()
    },
    Attack("record that says it is larger than it is", "does not fit into the file") {
      var record = ZipWriter.Record(name: "a/data.pkl", bytes: Python.none.pickle)
      record.size = 0x7FFF_FFFF
      return ZipWriter(records: [record]).bytes()
    },
    Attack("record under another name in its place", "is described differently in the directory and in its own header")
    {
      var record = ZipWriter.Record(name: "a/data.pkl", bytes: [1])
      record.localName = "b/data.pkl"
      return ZipWriter(records: [record]).bytes()
    },
    Attack("name of combining marks", "with an invalid name") {
      ZipWriter(records: [.init(name: "a/" + combiningMarks(20_000), bytes: [1])]).bytes()
    },
    Attack("big-endian", "was saved on a big-endian machine") {
      ZipWriter(records: [.init(name: "a/byteorder", bytes: Array("big".utf8))]).bytes()
    },
  ]

  @Test(arguments: attacks + containers) func isRefused(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try OptimizerState(Bytes($0)) }
  }

  /// The parameters of the adapter decide how long the state is looked at, and a stranger makes those, too.
  @Test func unknownNamesAmongManyTakeNoForever() throws {
    let names = (0..<3000).map { String(repeating: "x", count: 900) + "\($0)" }
    let file = adamFile(shapes: names.map { _ in [1] }, names: names).bytes()
    let attack = Attack("names", "is not among the 3000 parameters") { file }
    try attack.expectRefusal {
      _ = try OptimizerState(Bytes($0)).moments(for: [(String(repeating: "y", count: 900), [1])])
    }
  }

  @Test func limitsAreSettings() throws {
    let bytes = Bytes(Self.file(Python.none.pickle))
    for (limit, value) in [
      (Limit.pickleSize, 1), (.pickleOperations, 1), (.records, 2), (.directorySize, 10),
    ] {
      var limits = Limits()
      limits[limit] = value
      let failure = try failure { try OptimizerState(bytes, limits: limits) }
      #expect(failure.advice?.contains("--limit \(limit.rawValue)=N") == true, "\(failure)")
    }
  }
}
