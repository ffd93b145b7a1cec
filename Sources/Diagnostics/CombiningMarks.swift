/// How many combining marks may follow one another in a text from outside.
///
/// Swift compares and hashes texts in their normal form, and to order the marks of one character takes it time that grows
/// with the square of their number: forty kilobytes of them keep a dictionary busy for a second. No script needs more
/// than ten (Unicode Standard Annex 15, section 12.1, allows 30); text that plays with them has some dozens.
public let maximumCombiningMarks = 256

/// Whether so many combining marks follow one another that the text had better not be compared with anything.
public func hasTooManyCombiningMarks(_ text: String) -> Bool {
  // No mark has fewer than two bytes, and plain text is told at a glance.
  guard text.utf8.count > 2 * maximumCombiningMarks, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
  var run = 0
  for scalar in text.unicodeScalars {
    if scalar.value >= 0x300, scalar.properties.canonicalCombiningClass != .notReordered {
      run += 1
      if run > maximumCombiningMarks { return true }
    } else {
      run = 0
    }
  }
  return false
}
