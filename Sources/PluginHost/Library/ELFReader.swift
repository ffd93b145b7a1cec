import Diagnostics
import Tensors

/// Reads an ELF file for 64-bit little-endian machines without loading it, and never beyond its end.
struct ELFReader {
  let file: Bytes

  /// The type of the section with the dynamic symbols, and the size of a symbol.
  static let dynamicSymbols: UInt32 = 11
  static let symbolSize: UInt64 = 24

  init(_ file: Bytes) throws {
    self.file = file
    guard file.count >= 64, try bytes(0, 6).elementsEqual([0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
      throw Failure(
        .pluginFailed, "is not a shared library for this system: it is not a 64-bit little-endian ELF file")
    }
  }

  struct SectionTable {
    let start: UInt64
    let entrySize: UInt64
    let count: UInt64
    /// The index of the section with the names of all others.
    let names: UInt64
  }

  struct Section {
    let name: UInt64
    let type: UInt32
    let offset: UInt64
    let size: UInt64
    /// The index of an associated section.
    let link: UInt64
  }

  /// Nil if the file has none.
  func sectionTable() throws -> SectionTable? {
    let table = SectionTable(
      start: try integer(0x28, as: UInt64.self), entrySize: UInt64(try integer(0x3A, as: UInt16.self)),
      count: UInt64(try integer(0x3C, as: UInt16.self)), names: UInt64(try integer(0x3E, as: UInt16.self)))
    guard table.count > 0 else { return nil }
    guard table.entrySize >= 64, table.names < table.count else {
      throw broken("an impossible section table")
    }
    return table
  }

  func section(_ index: UInt64, in table: SectionTable) throws -> Section {
    let (start, overflow) = table.start.addingReportingOverflow(index * table.entrySize)
    guard !overflow, start <= UInt64(file.count) else { throw broken("a section table outside of the file") }
    return Section(
      name: UInt64(try integer(start, as: UInt32.self)), type: try integer(start + 4, as: UInt32.self),
      offset: try integer(start + 0x18, as: UInt64.self), size: try integer(start + 0x20, as: UInt64.self),
      link: UInt64(try integer(start + 0x28, as: UInt32.self)))
  }

  /// The string at an offset of a section with names.
  func text(_ place: UInt64, in names: Section) throws -> String {
    let (start, overflow) = names.offset.addingReportingOverflow(place)
    guard !overflow, place < names.size else { throw broken("a symbol without a name") }
    let rest = try bytes(start, names.size - place)
    return rest.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

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
