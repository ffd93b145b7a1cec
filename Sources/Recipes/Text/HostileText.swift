import Diagnostics

// Two checks of the bare text, made before the YAML library sees it.

extension YAMLReader {
  /// YAML allows no control characters; the library reports them without a line. The line breaks of Unicode (U+0085,
  /// U+2028, U+2029) are refused too, because they break lines in YAML 1.1 but not in 1.2.
  func refuseControlCharacters(_ text: String) throws {
    var position = Failure.Position(line: 1, column: 1)
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A: position = .init(line: position.line + 1, column: 0)
      case 0x2028, 0x2029: throw refusal(scalar, position)
      case 0x09, 0x0D, 0x20...0x7E, 0xA0...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: break
      default: throw refusal(scalar, position)
      }
      position.column += 1
    }
  }

  private func refusal(_ scalar: Unicode.Scalar, _ position: Failure.Position) -> Failure {
    let code = String(scalar.value, radix: 16, uppercase: true)
    let digits = String(repeating: "0", count: max(0, 4 - code.count)) + code
    return origin(position).failure("the character U+\(digits) is not allowed in a recipe")
  }

  /// Refuses a text with aliases in which a list, a mapping or an alias is a key, or seems to be.
  ///
  /// The library hashes every key, and hashing nested aliases takes exponential time ("billion laughs").
  /// No recipe needs such keys, and they can be detected without parsing, erring on the safe side: they require a closing
  /// bracket or an alias before a colon, or a question mark where a token can start.
  func refuseAliasedKeys(_ text: String) throws {
    let bytes = Array(text.utf8)
    func byte(_ place: Int) -> UInt8? { bytes.indices.contains(place) ? bytes[place] : nil }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    func isNameByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
    func nameEnd(after place: Int) -> Int { bytes[(place + 1)...].firstIndex { !isNameByte($0) } ?? bytes.count }
    func isBeforeColon(_ place: Int) -> Bool {
      bytes[place...].first { !isSpace($0) } == UInt8(ascii: ":")
    }
    let asterisk = UInt8(ascii: "*")
    guard bytes.indices.contains(where: { bytes[$0] == asterisk && byte($0 + 1).map(isNameByte) == true }) else {
      return
    }

    var line = 1
    var lineStart = 0
    /// The last byte of this line that is not a space; nil at the start of a line.
    var before: UInt8?
    for place in bytes.indices {
      let suspicious =
        switch bytes[place] {
        case UInt8(ascii: "]"), UInt8(ascii: "}"): isBeforeColon(place + 1)
        case asterisk: nameEnd(after: place) > place + 1 && isBeforeColon(nameEnd(after: place))
        case UInt8(ascii: "?"): before.map { "{[,?:-".utf8.contains($0) } ?? true
        default: false
        }
      if suspicious {
        let column = String(decoding: bytes[lineStart..<place], as: UTF8.self).unicodeScalars.count + 1
        throw origin(.init(line: line, column: column)).failure(
          "in a file with aliases, a list, mapping or alias cannot be a key, and this looks like one")
      }
      if bytes[place] == 0x0A || bytes[place] == 0x0D {
        if bytes[place] == 0x0A { line += 1 }
        lineStart = place + 1
        before = nil
      } else if !isSpace(bytes[place]) {
        before = bytes[place]
      }
    }
  }
}
