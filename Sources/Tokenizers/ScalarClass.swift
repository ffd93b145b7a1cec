/// The classes of characters in the patterns that split text into words.
enum ScalarClass: UInt8 {
  case letter, number, space, other

  /// For every character of the basic plane, because Unicode's own tables are slower than everything else.
  private static let basicPlane: [ScalarClass] = (0..<0x10000).map { value in
    Unicode.Scalar(UInt32(value)).map(ScalarClass.init(looking:)) ?? .other
  }

  @inline(__always) init(_ value: UInt32) {
    if value < 0x10000 {
      self = Self.basicPlane[Int(value)]
    } else {
      self = Unicode.Scalar(value).map(ScalarClass.init(looking:)) ?? .other
    }
  }

  /// `\p{L}`, `\p{N}` and `\s` of the patterns.
  private init(looking scalar: Unicode.Scalar) {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = scalar.properties.isWhitespace ? .space : .other
    }
  }
}

/// Whether a character is part of a word, for tokens that must be separate words: `\w` of Unicode's Annex C (UTS 18).
func isWordCharacter(_ value: UInt32) -> Bool {
  guard let properties = Unicode.Scalar(value)?.properties else { return false }
  if properties.isAlphabetic || properties.isJoinControl { return true }
  switch properties.generalCategory {
  case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
  default: return false
  }
}

/// Valid UTF-8, read character by character.
extension UnsafeBufferPointer<UInt8> {
  /// The character that begins at `place`, and the place after it.
  @inline(__always) func scalar(at place: Int) -> (value: UInt32, end: Int) {
    let first = UInt32(self[place])
    if first < 0x80 { return (first, place + 1) }
    if first < 0xE0 { return ((first & 0x1F) << 6 | continuation(place + 1), place + 2) }
    if first < 0xF0 {
      return ((first & 0x0F) << 12 | continuation(place + 1) << 6 | continuation(place + 2), place + 3)
    }
    let high = (first & 0x07) << 18 | continuation(place + 1) << 12
    return (high | continuation(place + 2) << 6 | continuation(place + 3), place + 4)
  }

  @inline(__always) private func continuation(_ place: Int) -> UInt32 { UInt32(self[place] & 0x3F) }

  /// The character that ends before `place`, and the place where it begins.
  @inline(__always) func scalar(before place: Int) -> (value: UInt32, start: Int) {
    var start = place - 1
    while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
    return (scalar(at: start).value, start)
  }
}
