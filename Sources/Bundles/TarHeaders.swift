import Diagnostics

/// The headers of a tar as it is decoded, checked for what libarchive reads without complaint and other programs read
/// otherwise: a pax path that goes on after a NUL byte, a size that is not a number, and pax headers for all entries, which
/// libarchive passes over (POSIX, pax Interchange Format).
///
/// Everything else about headers is left to libarchive.
struct TarHeaders {
  private var isDone = false
  /// How many bytes of content come before the next header.
  private var skipped = 0
  /// What is being collected.
  private var part = Part.header
  private var collected: [UInt8] = []
  private var wanted = blockSize
  /// The size that a pax header gives the next entry.
  private var announced: Int?

  private enum Part {
    case header
    case attributes(ofAll: Bool)
  }

  private static let blockSize = 512

  /// How many bytes fill up the last block.
  private static func padding(_ size: Int) -> Int { (blockSize - size % blockSize) % blockSize }

  /// Larger than any that tools write; libarchive's own limit.
  private static let largestAttributes = 1 << 20

  /// Takes the next bytes of the tar.
  ///
  /// - throws: ``Failure`` `badData`.
  mutating func take(_ block: UnsafeRawBufferPointer) throws {
    var rest = block[...]
    while !rest.isEmpty, !isDone {
      if skipped > 0 {
        let count = min(skipped, rest.count)
        rest = rest.dropFirst(count)
        skipped -= count
        continue
      }
      let count = min(wanted - collected.count, rest.count)
      collected += rest.prefix(count)
      rest = rest.dropFirst(count)
      if collected.count == wanted { try next() }
    }
  }

  /// Reads what was collected.
  private mutating func next() throws {
    let bytes = collected
    collected = []
    switch part {
    case .header: try read(header: bytes)
    case .attributes(let ofAll):
      try read(attributes: bytes, ofAll: ofAll)
      (part, wanted) = (.header, Self.blockSize)
    }
  }

  private mutating func read(header: [UInt8]) throws {
    // The end, or damage, which libarchive reports.
    guard header.contains(where: { $0 != 0 }), Self.hasChecksum(header) else {
      isDone = true
      return
    }
    let size = try Self.size(header[124..<136])
    guard size <= Int.max - (Self.blockSize - 1) else {
      isDone = true
      return
    }
    switch Character(Unicode.Scalar(header[156])) {
    case "x", "X": try collect(size, ofAll: false)
    case "g": try collect(size, ofAll: true)
    // Links, devices, folders and labels have no content, whatever their size.
    case "2", "3", "4", "5", "6", "V": announced = nil
    case "L", "K": skipped = size + Self.padding(size)
    default:
      let size = announced ?? size
      skipped = size + Self.padding(size)
      announced = nil
    }
  }

  private mutating func collect(_ size: Int, ofAll: Bool) throws {
    guard size <= Self.largestAttributes else {
      throw Failure(.badData, "has a pax header of \(size) bytes", advice: .copyAgain)
    }
    guard size > 0 else { return }
    (part, wanted) = (.attributes(ofAll: ofAll), size)
  }

  private mutating func read(attributes: [UInt8], ofAll: Bool) throws {
    skipped = Self.padding(attributes.count)
    var rest = attributes[...]
    while !rest.isEmpty {
      guard let (key, value) = Self.record(&rest) else {
        isDone = true
        return
      }
      guard ["path", "linkpath", "size", "GNU.sparse.name"].contains(key) else { continue }
      if ofAll {
        throw Failure(
          .badData, "has a pax header that sets '\(key)' for all its entries, which programs read differently",
          advice: .packAgain)
      }
      guard key == "size" else {
        guard !value.contains(0) else {
          throw Failure(
            .badData, "has a pax header with a NUL byte in a path ('\(String(showing: value))')", advice: .packAgain)
        }
        continue
      }
      guard value.allSatisfy({ 0x30...0x39 ~= $0 }), let size = Int(String(decoding: value, as: UTF8.self)),
        size <= Int.max - Self.blockSize
      else {
        throw Failure(
          .badData, "has a pax header with a size that is not a number ('\(String(showing: value))')",
          advice: .packAgain)
      }
      announced = size
    }
  }

  /// Takes one record, `LENGTH KEY=VALUE` with a line break; nil if it is malformed, which libarchive reports.
  private static func record(_ rest: inout ArraySlice<UInt8>) -> (key: String, value: ArraySlice<UInt8>)? {
    guard let space = rest.firstIndex(of: 0x20), let count = Int(String(decoding: rest[..<space], as: UTF8.self)),
      count > space - rest.startIndex + 1, count <= rest.count
    else { return nil }
    let record = rest[(space + 1)..<(rest.startIndex + count)]
    rest = rest.dropFirst(count)
    guard record.last == 0x0A, let sign = record.firstIndex(of: 0x3D) else { return nil }
    return (String(decoding: record[..<sign], as: UTF8.self), record[(sign + 1)...].dropLast())
  }

  /// A number field: octal digits, filled up with blanks and NUL bytes, or a binary number that begins with a set bit.
  private static func size(_ field: ArraySlice<UInt8>) throws -> Int {
    if let first = field.first, first & 0x80 != 0 {
      // A negative number, which libarchive refuses, is as good as none.
      return field.dropFirst().reduce(first & 0x40 != 0 ? Int.max : Int(first & 0x3F)) { sum, byte in
        sum > Int.max >> 8 ? Int.max : sum << 8 | Int(byte)
      }
    }
    let digits = field.drop { $0 == 0x20 }.prefix { 0x30...0x37 ~= $0 }
    let end = field[digits.endIndex...]
    guard end.allSatisfy({ $0 == 0 || $0 == 0x20 }) else {
      throw Failure(.badData, "has a header with a size that is not a number", advice: .packAgain)
    }
    return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
  }

  /// Whether the sum of the bytes is what the header says, with the bytes signed or not.
  private static func hasChecksum(_ header: [UInt8]) -> Bool {
    let digits = header[148..<156].drop { $0 == 0x20 }.prefix { 0x30...0x37 ~= $0 }
    let stated = digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
    let places = header.indices.filter { !(148..<156).contains($0) }
    let blanks = 8 * 0x20
    return stated == places.reduce(blanks) { $0 + Int(header[$1]) }
      || stated == places.reduce(blanks) { $0 + Int(Int8(bitPattern: header[$1])) }
  }
}

extension String {
  fileprivate static let packAgain = "pack the folder again, with another version of tar"
}
