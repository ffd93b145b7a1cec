/// Python values, pickled as `torch.save` does.
public indirect enum Python: Sendable, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
  ExpressibleByFloatLiteral
{
  case none
  case flag(Bool)
  case int(Int)
  case real(Double)
  case text(String)
  case tuple([Python])
  case list([Python])
  case dict([(Python, Python)])
  case global(String, String)
  /// function, arguments
  case call(Python, [Python])
  /// class, key, elements
  case storage(String, String, Int)
  /// Opcodes as they are.
  case raw([UInt8])

  public init(integerLiteral value: Int) { self = .int(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(floatLiteral value: Double) { self = .real(value) }

  /// `torch._utils._rebuild_tensor_v2` of a float32 storage.
  public static func tensor(
    _ key: String, elements: Int, offset: Int = 0, shape: [Int], strides: [Int], type: String = "FloatStorage"
  ) -> Python {
    .call(
      .global("torch._utils", "_rebuild_tensor_v2"),
      [
        .storage(type, key, elements), .int(offset), .tuple(shape.map { .int($0) }), .tuple(strides.map { .int($0) }),
        .flag(false), .call(.global("collections", "OrderedDict"), []),
      ])
  }

  public var opcodes: [UInt8] {
    switch self {
    case .none: return [0x4E]
    case .flag(let value): return [value ? 0x88 : 0x89]
    case .int(let value): return Array("J".utf8) + little(Int32(value))
    case .real(let value): return Array("G".utf8) + little(value.bitPattern).reversed()
    case .text(let value): return Array("X".utf8) + little(UInt32(value.utf8.count)) + Array(value.utf8)
    case .tuple(let items): return Array("(".utf8) + items.flatMap(\.opcodes) + Array("t".utf8)
    case .list(let items): return Array("](".utf8) + items.flatMap(\.opcodes) + Array("e".utf8)
    case .dict(let members):
      return Array("}(".utf8) + members.flatMap { $0.0.opcodes + $0.1.opcodes } + Array("u".utf8)
    case .global(let module, let name): return Array("c\(module)\n\(name)\n".utf8)
    case .call(let function, let arguments):
      return function.opcodes + Python.tuple(arguments).opcodes + Array("R".utf8)
    case .storage(let type, let key, let count):
      return Python.tuple(["storage", .global("torch", type), .text(key), "cpu", .int(count)]).opcodes + Array("Q".utf8)
    case .raw(let opcodes): return opcodes
    }
  }

  /// The whole stream.
  public var pickle: [UInt8] { [0x80, 2] + opcodes + Array(".".utf8) }
}

/// A file as `torch.save` writes it, with float32 storages.
public func torchFile(_ pickle: [UInt8], storages: [[Float]] = []) -> ZipWriter {
  ZipWriter(
    records: [
      .init(name: "optimizer/data.pkl", bytes: pickle), .init(name: "optimizer/byteorder", bytes: Array("little".utf8)),
    ]
      + storages.enumerated().map { place, values in
        .init(name: "optimizer/data/\(place)", bytes: values.flatMap { little($0.bitPattern) })
      }
      + [.init(name: "optimizer/version", bytes: Array("3\n".utf8))])
}

/// An AdamW state: moments i and i + 1000 in every element of parameter i, whose shape is given.
public func adamFile(
  shapes: [[Int]], names: [String]? = nil, keyedByName: Bool = false, groupSizes: [Int]? = nil,
  beta2: (Int) -> Double = { _ in 0.99 }, step: (Int) -> Float = { _ in 7 }, without: Set<Int> = [],
  moments: (inout [Float], inout [Float]) -> Void = { _, _ in }
) -> ZipWriter {
  var storages: [[Float]] = []
  var state: [(Python, Python)] = []
  func key(_ place: Int) -> Python { keyedByName ? .text(names?[place] ?? "") : .int(place) }
  for (place, shape) in shapes.enumerated() where !without.contains(place) {
    let count = shape.reduce(1, *)
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    state.append(
      (
        key(place),
        .dict([
          ("step", .tensor("\(storages.count)", elements: 1, shape: [], strides: [])),
          ("exp_avg", .tensor("\(storages.count + 1)", elements: count, shape: shape, strides: strides)),
          ("exp_avg_sq", .tensor("\(storages.count + 2)", elements: count, shape: shape, strides: strides)),
        ])
      ))
    storages.append([step(place)])
    var first = [Float](repeating: Float(place), count: count)
    var second = [Float](repeating: Float(place + 1000), count: count)
    moments(&first, &second)
    storages += [first, second]
  }
  var start = 0
  var groups: [Python] = []
  for size in groupSizes ?? [shapes.count, 0] {
    let places = start..<start + size
    var extra: [(Python, Python)] = [("params", .list(places.map(key)))]
    if let names, !keyedByName { extra.append(("param_names", .list(places.map { .text(names[$0]) }))) }
    groups.append(adamGroup(extra, beta2: beta2(groups.count)))
    start += size
  }
  return torchFile(Python.dict([("state", .dict(state)), ("param_groups", .list(groups))]).pickle, storages: storages)
}

/// AdamW's settings and what else a group is to hold.
public func adamGroup(_ extra: [(Python, Python)], beta2: Double = 0.99) -> Python {
  .dict(
    [
      ("lr", 0.005), ("betas", .tuple([0.9, .real(beta2)])), ("eps", 1e-06), ("weight_decay", 0.01),
      ("amsgrad", .flag(false)), ("maximize", .flag(false)), ("foreach", .none),
    ] + extra)
}
