import Diagnostics
import Tensors

/// The entries of a ZIP archive in which each byte belongs to one of them or to the directory.
///
/// A zip says everything twice, before each entry and in the directory at the end, and readers differ in which they use. So
/// anything that two readers could see differently is refused: entries that overlap, bytes between, before or after them,
/// headers that contradict the directory, and more than one directory. Layout: PKWARE APPNOTE 6.3.10, zip64
/// included.
public struct ZipDirectory: Sendable {
  /// The entries in the order of their positions.
  public let entries: [ZipEntry]

  /// - parameter most: The maximum number of entries.
  /// - throws: ``Failure`` `badData`.
  public init(_ bytes: Bytes, most: Limit, limits: Limits) throws {
    entries = try bytes.withUnsafeBytes { raw in
      let fields = LittleEndianFields(raw: raw)
      let place = try Self.place(in: fields)
      guard place.count <= limits[most] else {
        throw Failure(beyond: most, "lists \(place.count) entries, more than the limit of \(limits[most])")
      }
      guard place.range.count <= limits[.directorySize] else {
        throw Failure(
          beyond: .directorySize,
          "has a directory of \(place.range.count) bytes, more than the limit of \(limits[.directorySize])")
      }
      return try Self.entries(in: fields, directory: place.range, count: place.count)
    }
  }

  /// The directory's bytes and its number of entries, from the record at the very end.
  private static func place(in fields: LittleEndianFields) throws -> (range: Range<Int>, count: Int) {
    let end = try self.end(in: fields)
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
    guard disks == (0, 0) else {
      throw Failure(.badData, "is part of a split ZIP archive", advice: "zip the folder again, as one file")
    }
    guard counts.0 == counts.1 else {
      throw Failure(
        .badData, "has an end record that counts \(counts.0) entries and \(counts.1) entries", advice: "copy it again")
    }
    guard start <= directoryEnd, directoryEnd - start == size else {
      throw Failure(
        .badData, "has a ZIP directory that does not end where the file does",
        advice: "it may have been modified, or be several concatenated archives: copy it again")
    }
    return (start..<directoryEnd, counts.1)
  }

  /// The start of the last record, which only a comment may follow.
  private static func end(in fields: LittleEndianFields) throws -> Int {
    let last = fields.raw.count - 22
    let candidates = try stride(from: last, through: max(0, last - 0xFFFF), by: -1).filter { at in
      try fields.raw[at] == 0x50 && fields.uint32(at) == 0x0605_4b50
    }
    // The one nearest to the end, as in all readers. One in a comment would be another directory.
    guard let end = candidates.first else {
      throw Failure(
        .badData, "has no ZIP directory at its end", advice: "it may have been truncated: copy it again")
    }
    guard try fields.uint16(end + 20) == last - end else {
      throw Failure(
        .badData, "continues after the end of the zip in it",
        advice: "it may be several concatenated files: pack what belongs together as one")
    }
    guard try candidates.dropFirst().allSatisfy({ try fields.uint16($0 + 20) != last - $0 }) else {
      throw Failure(.badData, "has two ends: one ZIP directory is in the comment of another")
    }
    return end
  }

  private static func entries(in fields: LittleEndianFields, directory: Range<Int>, count: Int) throws -> [ZipEntry] {
    var entries: [ZipEntry] = []
    var at = directory.lowerBound
    for _ in 0..<count {
      try Interruption.check()
      let (entry, end) = try ZipEntry.read(fields, at: at, before: directory.upperBound)
      entries.append(entry)
      at = end
    }
    guard at == directory.upperBound else {
      throw Failure(.badData, "has a ZIP directory with more than the \(count) entries it claims")
    }
    entries.sort { $0.offset < $1.offset }
    if (entries.first?.offset ?? directory.lowerBound) != 0 {
      throw Failure(
        .badData, "has bytes before its first entry",
        advice: "it may be several concatenated archives, or a self-extracting program: zip the folder again")
    }
    for place in entries.indices {
      let next = place + 1 < entries.count ? entries[place + 1].offset : directory.lowerBound
      guard try entries[place].locate(in: fields, before: next) else {
        let other = place + 1 < entries.count ? "the entry '\(entries[place + 1].shownName)'" : "the directory"
        throw Failure(.badData, "its entry '\(entries[place].shownName)' overlaps \(other)")
      }
    }
    return entries
  }
}
