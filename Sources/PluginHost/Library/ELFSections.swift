import Diagnostics
import Tensors

/// The bytes of a section of an ELF file for 64-bit little-endian machines, found without loading the file.
///
/// - returns: nil if there is no section of that name.
/// - throws: ``Failure`` `pluginFailed` if the file is not of that kind or its tables are outside the file.
func section(_ name: String, of file: Bytes) throws -> Bytes? {
  let reader = try ELFReader(file)
  guard let table = try reader.sectionTable() else { return nil }
  let names = try reader.section(table.names, in: table)
  let wanted = Array(name.utf8) + [0]
  for index in 0..<table.count {
    let section = try reader.section(index, in: table)
    let (place, overflow) = names.offset.addingReportingOverflow(section.name)
    guard !overflow, section.name < names.size else { throw reader.broken("a section without a name") }
    guard let found = try? reader.bytes(place, UInt64(wanted.count)), found.elementsEqual(wanted) else { continue }
    return try reader.bytes(section.offset, section.size)
  }
  return nil
}

/// The names of all symbols that a shared library exports: defined, not local, and visible.
///
/// - throws: ``Failure`` `pluginFailed` if the file is not a shared library or is broken.
package func exportedSymbols(of file: Bytes) throws -> [String] {
  let reader = try ELFReader(file)
  guard let table = try reader.sectionTable() else { throw reader.broken("no sections, and so no symbols") }
  var symbols: [String] = []
  for index in 0..<table.count {
    let section = try reader.section(index, in: table)
    guard section.type == ELFReader.dynamicSymbols else { continue }
    guard section.link < table.count else { throw reader.broken("symbols without names") }
    let names = try reader.section(section.link, in: table)
    for place in 0..<section.size / ELFReader.symbolSize {
      let (start, overflow) = section.offset.addingReportingOverflow(place * ELFReader.symbolSize)
      guard !overflow else { throw reader.broken("something beyond its end") }
      _ = try reader.bytes(start, ELFReader.symbolSize)
      let (info, other) = (
        try reader.integer(start + 4, as: UInt8.self), try reader.integer(start + 5, as: UInt8.self)
      )
      let isLocal = info >> 4 == 0
      // Default and protected symbols are visible, internal and hidden ones are not.
      let isVisible = other & 3 == 0 || other & 3 == 3
      guard !isLocal, isVisible, try reader.integer(start + 6, as: UInt16.self) != 0 else { continue }
      symbols.append(try reader.text(UInt64(reader.integer(start, as: UInt32.self)), in: names))
    }
  }
  return symbols
}

extension Bytes {
  func elementsEqual(_ other: [UInt8]) -> Bool { withUnsafeBytes { $0.elementsEqual(other) } }
}
