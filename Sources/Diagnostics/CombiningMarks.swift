/// The maximum number of consecutive combining marks in an untrusted text.
///
/// Swift compares and hashes texts in their normal form, and sorting the marks of one character takes time that grows with
/// the square of their number: forty kilobytes of them keep a dictionary busy for a second. No script needs more than ten
/// (Unicode Standard Annex 15, section 12.1, allows 30); playful text has some dozens.
public let maximumCombiningMarks = 256

/// Whether a text has too many consecutive combining marks to be compared with others.
public func hasTooManyCombiningMarks(_ text: String) -> Bool {
  // A mark has at least two bytes, and ASCII text is recognized quickly.
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
