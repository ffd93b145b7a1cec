import Diagnostics
import Files
import Zip

/// A file as `torch.save` writes it, which `torch.load(weights_only=True)` reads: a ZIP archive of uncompressed records,
/// each starting at a multiple of 64 bytes.
struct TorchFile {
  /// The name of the archive's folder.
  let name: String
  let value: PythonValue

  /// The contents of the tensors, by record number.
  var records: [[Float]] = []

  /// - throws: ``Failure`` `cannotWrite`.
  func write(to path: String) throws {
    try writeWhole(to: path) { descriptor in
      var archive = StoredArchive(descriptor: descriptor, path: path)
      func add(_ record: String, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try archive.add("\(name)/\(record)", $0) }
      }
      try add("data.pkl", value.pickle)
      try add(".format_version", Array("1".utf8))
      try add(".storage_alignment", Array("64".utf8))
      try add("byteorder", Array("little".utf8))
      for (number, record) in records.enumerated() {
        try record.withUnsafeBytes { try archive.add("\(name)/data/\(number)", $0) }
      }
      try add("version", Array("3\n".utf8))
      try archive.finish()
    }
  }
}

/// A ZIP archive without compression, written front to back (APPNOTE 4.3).
private struct StoredArchive {
  let descriptor: Int32
  let path: String
  private var offset = 0
  private var directory: [UInt8] = []
  private var count = 0

  init(descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

  mutating func add(_ name: String, _ bytes: UnsafeRawBufferPointer) throws {
    var sum = CRC32()
    sum.add(bytes)
    let nameBytes = Array(name.utf8)
    // An extra field pads to the alignment, as in PyTorch.
    let begin = offset + 30 + nameBytes.count + 4
    let padding = (64 - begin % 64) % 64
    guard begin + padding + bytes.count <= UInt32.max, count < UInt16.max else {
      throw Failure(
        .cannotWrite, "would have more than 4 GiB, or too many tensors, for PyTorch's format without ZIP64",
        advice: "train an adapter of a smaller rank, or of fewer layers", file: path)
    }
    let common =
      field(0, 2) + field(0, 2) + field(0, 2) + field(0x21, 2) + field(Int(sum.value), 4) + field(bytes.count, 4)
      + field(bytes.count, 4) + field(nameBytes.count, 2)
    let extra = field(0x4246, 2) + field(padding, 2) + Array(repeating: UInt8(ascii: "Z"), count: padding)
    directory +=
      field(0x0201_4b50, 4) + field(0, 2) + field(0, 2) + common + Array(repeating: 0, count: 12) + field(offset, 4)
      + nameBytes
    count += 1
    try write(field(0x0403_4b50, 4) + field(0, 2) + common + field(extra.count, 2) + nameBytes + extra)
    try write(bytes)
  }

  mutating func finish() throws {
    let start = offset
    try write(directory)
    try write(
      field(0x0605_4b50, 4) + field(0, 4) + field(count, 2) + field(count, 2) + field(directory.count, 4)
        + field(start, 4) + field(0, 2))
  }

  private func field(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private mutating func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  private mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard writeAll(bytes, to: descriptor) else { throw Failure.cannotWrite(path) }
    offset += bytes.count
  }
}
