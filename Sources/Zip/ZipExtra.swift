/// The extra field of a header: pieces, each with an id and a length (APPNOTE 4.5).
struct ZipExtra {
  private let fields: LittleEndianFields
  private let range: Range<Int>

  init(_ fields: LittleEndianFields, _ range: Range<Int>) {
    (self.fields, self.range) = (fields, range)
  }

  /// The pieces with an id. Tools pad with bytes that are not pieces; these end the list.
  func pieces(_ number: Int) throws -> [Range<Int>] {
    var found: [Range<Int>] = []
    var at = range.lowerBound
    while range.upperBound - at >= 4 {
      let end = at + 4 + (try fields.uint16(at + 2))
      guard end <= range.upperBound else { break }
      if try fields.uint16(at) == number { found.append(at + 4..<end) }
      at = end
    }
    return found
  }

  /// The UTF-8 name that Info-ZIP writes in addition to one in the system's code page (APPNOTE 4.6.9); nil if there is none
  /// or it belongs to another name.
  func unicodeName(of name: UnsafeRawBufferPointer) throws -> UnsafeRawBufferPointer? {
    var sum = CRC32()
    sum.add(name)
    let piece = try pieces(0x7075).first { piece in
      guard piece.count > 5, fields.raw[piece.lowerBound] == 1 else { return false }
      return try fields.uint32(piece.lowerBound + 1) == Int(sum.value)
    }
    return piece.map { UnsafeRawBufferPointer(rebasing: fields.raw[$0.lowerBound + 5..<$0.upperBound]) }
  }
}

/// The numbers of a header that are stored wider if 32 bits do not suffice.
struct WideNumbers {
  private let fields: LittleEndianFields
  private var rest: Range<Int>?

  init(_ fields: LittleEndianFields, _ extra: ZipExtra) throws {
    self.fields = fields
    let found = try extra.pieces(1)
    // If there were two, one reader would take the first and another the last.
    rest = found.count == 1 ? found[0] : nil
  }

  /// The number, or the next wide one if it refers to one; nil if that is missing.
  mutating func widen(_ number: Int) throws -> Int? {
    guard number == 0xFFFF_FFFF else { return number }
    guard let piece = rest, piece.count >= 8 else { return nil }
    rest = piece.dropFirst(8)
    return try fields.uint64(piece.lowerBound)
  }
}
