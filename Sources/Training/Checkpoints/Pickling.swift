/// A Python value as pickled by `torch.save` (protocol 2), as far as optimizers and schedules need it.
indirect enum PythonValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case tuple([PythonValue])
  case list([PythonValue])
  case dictionary([(key: PythonValue, value: PythonValue)])
  /// A float32 tensor whose contents are in the record of this number.
  case tensor(record: Int, shape: [Int])

  /// A dictionary with text keys.
  static func object(_ members: [(String, PythonValue)]) -> PythonValue {
    .dictionary(members.map { (.text($0.0), $0.1) })
  }

  /// The complete stream.
  var pickle: [UInt8] {
    var bytes: [UInt8] = [0x80, 2]
    write(to: &bytes)
    bytes.append(UInt8(ascii: "."))
    return bytes
  }

  private func write(to bytes: inout [UInt8]) {
    func opcode(_ code: Unicode.Scalar) { bytes.append(UInt8(ascii: code)) }
    func global(_ module: String, _ name: String) { bytes += Array("c\(module)\n\(name)\n".utf8) }
    func tuple(_ values: [PythonValue]) {
      opcode("(")
      for value in values { value.write(to: &bytes) }
      opcode("t")
    }
    switch self {
    case .none: opcode("N")
    case .bool(let value): bytes.append(value ? 0x88 : 0x89)
    case .integer(let value):
      if let small = Int32(exactly: value) {
        opcode("J")
        withUnsafeBytes(of: small.littleEndian) { bytes += Array($0) }
      } else {
        // LONG1 with eight bytes.
        bytes += [0x8A, 8]
        withUnsafeBytes(of: Int64(value).littleEndian) { bytes += Array($0) }
      }
    case .real(let value):
      opcode("G")
      withUnsafeBytes(of: value.bitPattern.bigEndian) { bytes += Array($0) }
    case .text(let text):
      opcode("X")
      withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes += Array($0) }
      bytes += Array(text.utf8)
    case .tuple(let values): tuple(values)
    case .list(let values):
      bytes += Array("](".utf8)
      for value in values { value.write(to: &bytes) }
      opcode("e")
    case .dictionary(let members):
      bytes += Array("}(".utf8)
      for (key, value) in members {
        key.write(to: &bytes)
        value.write(to: &bytes)
      }
      opcode("u")
    case .tensor(let record, let shape):
      // torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)
      global("torch._utils", "_rebuild_tensor_v2")
      opcode("(")
      opcode("(")
      PythonValue.text("storage").write(to: &bytes)
      global("torch", "FloatStorage")
      for value in [
        PythonValue.text(String(record)), .text("cpu"), .integer(shape.reduce(1, *)),
      ] {
        value.write(to: &bytes)
      }
      bytes += Array("tQ".utf8)
      PythonValue.integer(0).write(to: &bytes)
      let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
      tuple(shape.map { .integer($0) })
      tuple(strides.map { .integer($0) })
      PythonValue.bool(false).write(to: &bytes)
      global("collections", "OrderedDict")
      bytes += Array(")RtR".utf8)
    }
  }
}
