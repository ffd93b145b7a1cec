import Diagnostics
import Tensors

/// Where the entries of a ZIP archive lie, for archives whose entries are stored and not compressed.
///
/// Sizes come from the central directory, since writers may leave them out of the local headers, and offsets from both:
/// only the local header knows its own padding. Layout: PKWARE APPNOTE 6.3.10, zip64 included.
struct ZipDirectory {
  struct Entry {
    let name: String
    /// The entry's bytes in the archive.
    let range: Range<Int>
    /// The CRC-32 that the directory records; 0 where the writer kept none.
    let checksum: UInt32
  }

  /// The entries in the order of the directory.
  let entries: [Entry]

  /// - throws: ``Failure`` `badData`: cut off, compressed, encrypted, overlapping, or named outside the archive.
  init(_ bytes: Bytes, limits: Limits) throws {
    entries = try bytes.withUnsafeBytes { raw in
      let fields = Fields(raw: raw)
      let place = try Self.place(in: fields)
      guard place.count <= limits[.records] else {
        throw Failure(beyond: .records, "lists \(place.count) records; at most \(limits[.records]) are read")
      }
      guard place.range.count <= limits[.directorySize] else {
        throw Failure(
          beyond: .directorySize,
          "has a directory of \(place.range.count) bytes; at most \(limits[.directorySize]) are read")
      }
      return try Self.entries(in: fields, directory: place.range, count: place.count)
    }
  }

  /// The directory's bytes and its number of entries, from the record at the very end.
  private static func place(in fields: Fields) throws -> (range: Range<Int>, count: Int) {
    let end = fields.raw.count - 22
    guard end >= 0, try fields.uint32(end) == 0x0605_4b50, try fields.uint16(end + 20) == 0 else {
      throw Failure(
        .badData, "has no ZIP directory at its end", advice: "it may have been cut off: copy it again")
    }
    var disks = (try fields.uint16(end + 4), try fields.uint16(end + 6))
    var counts = (try fields.uint16(end + 8), try fields.uint16(end + 10))
    var (size, start, directoryEnd) = (try fields.uint32(end + 12), try fields.uint32(end + 16), end)
    let locator = end - 20
    if locator >= 0, try fields.uint32(locator) == 0x0706_4b50 {
      let wide = try fields.uint64(locator + 8)
      guard wide <= locator - 56, try fields.uint32(wide) == 0x0606_4b50,
        try fields.uint64(wide + 4) == locator - wide - 12
      else { throw Failure(.badData, "has a zip64 locator that points to no zip64 directory record") }
      disks = (try fields.uint32(wide + 16), try fields.uint32(wide + 20))
      let narrow = (counts, size, start)
      counts = (try fields.uint64(wide + 24), try fields.uint64(wide + 32))
      (size, start, directoryEnd) = (try fields.uint64(wide + 40), try fields.uint64(wide + 48), wide)
      func agree(_ narrow: Int, _ wide: Int, _ saturated: Int) -> Bool { narrow == wide || narrow == saturated }
      guard agree(narrow.0.1, counts.1, 0xFFFF), agree(narrow.1, size, 0xFFFF_FFFF), agree(narrow.2, start, 0xFFFF_FFFF)
      else { throw Failure(.badData, "has two directory records that contradict each other") }
    }
    guard disks == (0, 0), counts.0 == counts.1 else { throw Failure(.badData, "is a part of a split ZIP archive") }
    guard start <= directoryEnd, directoryEnd - start == size else {
      throw Failure(
        .badData, "has a ZIP directory that does not end where the file does",
        advice: "it may have been changed on the way: copy it again")
    }
    return (start..<directoryEnd, counts.1)
  }

  private static func entries(in fields: Fields, directory: Range<Int>, count: Int) throws -> [Entry] {
    var entries: [Entry] = []
    var spans: [(range: Range<Int>, name: String)] = []
    var names: Set<String> = []
    var at = directory.lowerBound
    for _ in 0..<count {
      let header = try CentralHeader(fields, at: at, end: directory.upperBound)
      let data = try self.data(of: header, in: fields, before: directory.lowerBound)
      guard names.insert(header.name).inserted else {
        throw Failure(.badData, "holds the record '\(header.name)' twice")
      }
      entries.append(Entry(name: header.name, range: data, checksum: header.checksum))
      spans.append((header.offset..<data.upperBound, header.name))
      at = header.end
    }
    guard at == directory.upperBound else {
      throw Failure(.badData, "has a ZIP directory with more than the \(count) records it claims")
    }
    spans.sort { $0.range.lowerBound < $1.range.lowerBound }
    for (one, next) in zip(spans, spans.dropFirst()) where next.range.lowerBound < one.range.upperBound {
      throw Failure(.badData, "its records '\(one.name)' and '\(next.name)' overlap")
    }
    return entries
  }

  /// Where an entry's bytes lie, which the header before them tells.
  private static func data(of header: CentralHeader, in fields: Fields, before end: Int) throws -> Range<Int> {
    let at = header.offset
    guard at <= end - 30, try fields.uint32(at) == 0x0403_4b50 else {
      throw Failure(.badData, "its record '\(header.name)' does not start where the directory says")
    }
    let nameCount = try fields.uint16(at + 26)
    let start = at + 30 + nameCount + (try fields.uint16(at + 28))
    guard try fields.uint16(at + 8) == 0, try fields.text(at + 30, count: nameCount) == header.name else {
      throw Failure(.badData, "its record '\(header.name)' is described differently in the directory and in its place")
    }
    guard start <= end, header.size <= end - start else {
      throw Failure(.badData, "its record '\(header.name)' does not fit into the file")
    }
    return start..<start + header.size
  }

  /// One entry of the central directory.
  private struct CentralHeader {
    let name: String
    let size: Int
    let offset: Int
    let checksum: UInt32
    /// Where the next entry starts.
    let end: Int

    init(_ fields: Fields, at: Int, end limit: Int) throws {
      guard limit - at >= 46, try fields.uint32(at) == 0x0201_4b50 else {
        throw Failure(.badData, "has a damaged ZIP directory", advice: "copy it again")
      }
      let (nameCount, extraCount) = (try fields.uint16(at + 28), try fields.uint16(at + 30))
      let extra = at + 46 + nameCount
      end = extra + extraCount + (try fields.uint16(at + 32))
      guard end <= limit else { throw Failure(.badData, "has a damaged ZIP directory", advice: "copy it again") }
      let name = try Self.checked(fields.text(at + 46, count: nameCount))
      guard try fields.uint16(at + 8) & 1 == 0 else { throw Failure(.badData, "its record '\(name)' is encrypted") }
      guard try fields.uint16(at + 10) == 0 else {
        throw Failure(
          .badData, "its record '\(name)' is compressed, which torch.save never does",
          advice: "hand in the file as the Trainer wrote it, or zip it again without compression (zip -0)")
      }
      var sizes = (stored: try fields.uint32(at + 20), full: try fields.uint32(at + 24))
      var offset = try fields.uint32(at + 42)
      if sizes.stored == 0xFFFF_FFFF || sizes.full == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
        var wide = try Self.zip64Field(fields, extra..<extra + extraCount, name: name)
        func next() throws -> Int {
          guard wide.count >= 8 else { throw Failure(.badData, "its record '\(name)' lacks its 64-bit size") }
          defer { wide = wide.dropFirst(8) }
          return try fields.uint64(wide.lowerBound)
        }
        if sizes.full == 0xFFFF_FFFF { sizes.full = try next() }
        if sizes.stored == 0xFFFF_FFFF { sizes.stored = try next() }
        if offset == 0xFFFF_FFFF { offset = try next() }
      }
      guard sizes.stored == sizes.full else { throw Failure(.badData, "its record '\(name)' has two different sizes") }
      self.name = name
      size = sizes.full
      checksum = UInt32(try fields.uint32(at + 16))
      self.offset = offset
    }

    private static func zip64Field(_ fields: Fields, _ extra: Range<Int>, name: String) throws -> Range<Int> {
      var at = extra.lowerBound
      while extra.upperBound - at >= 4 {
        let end = at + 4 + (try fields.uint16(at + 2))
        guard end <= extra.upperBound else { break }
        if try fields.uint16(at) == 1 { return at + 4..<end }
        at = end
      }
      throw Failure(.badData, "its record '\(name)' lacks its 64-bit size")
    }

    /// The name, if it stays inside the archive and can be shown.
    private static func checked(_ name: String?) throws -> String {
      guard let name, !name.isEmpty, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }),
        !hasTooManyCombiningMarks(name)
      else {
        throw Failure(.badData, "holds a record whose name is no text")
      }
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      guard !parts.contains(where: { ["", ".", ".."].contains($0) }), !name.contains("\\") else {
        throw Failure(.badData, "holds a record named '\(name)', which leaves the archive")
      }
      return name
    }
  }

  /// Little-endian numbers at checked places.
  private struct Fields {
    let raw: UnsafeRawBufferPointer

    func uint16(_ place: Int) throws -> Int { Int(try number(place, as: UInt16.self)) }
    func uint32(_ place: Int) throws -> Int { Int(try number(place, as: UInt32.self)) }

    func uint64(_ place: Int) throws -> Int {
      guard let value = Int(exactly: try number(place, as: UInt64.self)) else {
        throw Failure(.badData, "has a ZIP directory with numbers larger than any file")
      }
      return value
    }

    func text(_ place: Int, count: Int) throws -> String? {
      guard place >= 0, count <= raw.count - place else { throw cutOff }
      return String(validating: UnsafeRawBufferPointer(rebasing: raw[place..<place + count]), as: UTF8.self)
    }

    private func number<Number: FixedWidthInteger>(_ place: Int, as: Number.Type) throws -> Number {
      guard place >= 0, place <= raw.count - MemoryLayout<Number>.size else { throw cutOff }
      return Number(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: Number.self))
    }

    private var cutOff: Failure {
      Failure(.badData, "has a ZIP directory that points outside the file", advice: "copy it again")
    }
  }
}
