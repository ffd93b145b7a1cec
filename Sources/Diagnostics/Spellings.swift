/// Two names that Unicode, and so Swift, take for one although their bytes differ: "é" may be one character, or an "e" and
/// an accent (the normal forms NFC and NFD). To Python, PEFT and file systems these are two names.
///
/// - parameter separator: Divides a path; paths above a name count as names.
/// - returns: The first such pair, in the order of the names.
public func twoSpellings(
  among names: some Collection<String>, dividedBy separator: Unicode.Scalar? = nil
) -> (first: String, second: String)? {
  guard names.contains(where: { !$0.utf8.allSatisfy { $0 < 0x80 } }) else { return nil }
  var known: Set<String> = []
  for name in names {
    let bytes = name.utf8
    let ends = separator.map { mark in bytes.indices.filter { bytes[$0] == UInt8(ascii: mark) } } ?? []
    for end in ends + [bytes.endIndex] {
      let path = String(name[..<end])
      let first = known.insert(path).memberAfterInsert
      if !first.utf8.elementsEqual(path.utf8) { return (first, path) }
    }
  }
  return nil
}

extension Failure {
  /// A name in two spellings, both escaped, since they look the same.
  ///
  /// - parameter subject: What has the name, such as "a sample's id".
  public init(twoSpellingsOf subject: String, _ first: String, _ second: String) {
    self.init(
      .badData, "\(subject) is spelled in two ways, '\(escaped(first))' and '\(escaped(second))'", advice: .spellOneWay)
  }
}

extension String {
  /// The way out if a name is spelled in two ways.
  public static let spellOneWay =
    "they look the same, but their bytes differ, as do Unicode's forms NFC and NFD: write the name one way everywhere"
}

/// A name with everything beyond ASCII escaped, so that its spelling shows.
public func escaped(_ name: String) -> String {
  name.unicodeScalars.reduce(into: "") { $0 += $1.isASCII ? String($1) : "\\u{\(String($1.value, radix: 16))}" }
}
