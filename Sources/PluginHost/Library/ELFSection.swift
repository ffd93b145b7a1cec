import Diagnostics
import Tensors

/// The bytes of a section of an ELF file for 64-bit little-endian machines, found without loading the file.
///
/// - returns: nil when there is no section of that name.
/// - throws: ``Failure`` `pluginFailed` when the file is none of that kind or its tables lie outside of it.
func section(_ name: String, of file: Bytes) throws -> Bytes? {
  let reader = ELFReader(file: file)
  guard file.count >= 64, try reader.bytes(0, 6).elementsEqual([0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
    throw Failure(
      .pluginFailed, "is no shared library for this system: it is no 64-bit little-endian ELF file")
  }
  let table = try reader.integer(0x28, as: UInt64.self)
  let entrySize = UInt64(try reader.integer(0x3A, as: UInt16.self))
  let count = UInt64(try reader.integer(0x3C, as: UInt16.self))
  let namesIndex = UInt64(try reader.integer(0x3E, as: UInt16.self))
  guard count > 0 else { return nil }
  guard entrySize >= 64, namesIndex < count else { throw reader.broken("a section table that makes no sense") }
  func header(_ index: UInt64) throws -> (name: UInt64, offset: UInt64, size: UInt64) {
    let (start, overflow) = table.addingReportingOverflow(index * entrySize)
    guard !overflow, start <= UInt64(file.count) else { throw reader.broken("a section table outside of the file") }
    return (
      UInt64(try reader.integer(start, as: UInt32.self)), try reader.integer(start + 0x18, as: UInt64.self),
      try reader.integer(start + 0x20, as: UInt64.self)
    )
  }
  let names = try header(namesIndex)
  let wanted = Array(name.utf8) + [0]
  for index in 0..<count {
    let section = try header(index)
    let (place, overflow) = names.offset.addingReportingOverflow(section.name)
    guard !overflow, section.name < names.size else { throw reader.broken("a section without a name") }
    guard let found = try? reader.bytes(place, UInt64(wanted.count)), found.elementsEqual(wanted) else { continue }
    return try reader.bytes(section.offset, section.size)
  }
  return nil
}

/// Reads numbers and parts of a file, and never beyond its end.
private struct ELFReader {
  let file: Bytes

  func bytes(_ offset: UInt64, _ count: UInt64) throws -> Bytes {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard !overflow, end <= UInt64(file.count) else { throw broken("something beyond its end") }
    return file[Int(offset)..<Int(end)]
  }

  func integer<Integer: FixedWidthInteger>(_ offset: UInt64, as type: Integer.Type) throws -> Integer {
    try bytes(offset, UInt64(MemoryLayout<Integer>.size)).withUnsafeBytes {
      Integer(littleEndian: $0.loadUnaligned(as: Integer.self))
    }
  }

  func broken(_ what: String) -> Failure { Failure(.pluginFailed, "is a broken ELF file: it names \(what)") }
}

extension Bytes {
  fileprivate func elementsEqual(_ other: [UInt8]) -> Bool { withUnsafeBytes { $0.elementsEqual(other) } }
}
