/// The printable characters that represent the 256 bytes in byte-level vocabularies.
///
/// Source: `bytes_to_unicode` of GPT-2's encoder. Printable bytes represent themselves, the others are U+0100 and up.
enum ByteAlphabet {
  /// The character of each byte, as UTF-8.
  static let characters: [[UInt8]] = scalars.map { Array(String(Character($0)).utf8) }

  private static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(UInt8(byte))
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  private static let bytes: [UInt32: UInt8] = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($1.value, UInt8($0)) })

  /// The bytes that a token's text represents, or nil if one of its characters represents none.
  static func bytes(of text: some Collection<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      guard let byte = bytes[scalar.value] else { return nil }
      result.append(byte)
    }
    return result
  }
}
