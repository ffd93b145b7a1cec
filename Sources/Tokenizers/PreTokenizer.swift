/// How a normalized text is split into words, which are encoded one by one, step by step.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    /// Every match of a pattern is a word, and so is the text between matches.
    case words(WordPattern)
    /// Splits at a text.
    case split([UInt8], SplitBehaviour, inverted: Bool)
    /// Splits off runs of digits, or each digit.
    case digits(individual: Bool)
    /// Prepends a blank to each piece that has none.
    case blankBefore
    /// Replaces blanks, may prepend one to the text, may split before each.
    case metaspace([UInt8], Prepending, splits: Bool)
  }

  /// When a blank is prepended to the text.
  enum Prepending: Sendable {
    case always, never
    /// Only at the start of the text, and not after an added token.
    case first
  }

  var steps: [Step] = []

  /// Whether words are bytes instead of characters.
  var isByteLevel = false

  /// The words of `text`, which some steps change.
  func words(of text: inout AlignedText) throws -> [Range<Int>] {
    var pieces = text.count > 0 ? [0..<text.count] : []
    let most = text.mostAfterwards
    for step in steps {
      try apply(step, to: &text, &pieces)
      guard text.count <= most else { throw AlignedText.growth }
    }
    return pieces
  }

  private func apply(_ step: Step, to text: inout AlignedText, _ pieces: inout [Range<Int>]) throws {
    switch step {
    case .words(let pattern):
      pieces = text.bytes.withUnsafeBufferPointer { bytes in
        var words: [Range<Int>] = []
        for piece in pieces {
          var start = piece.lowerBound
          while start < piece.upperBound {
            let end = pattern.end(in: bytes, from: start, limit: piece.upperBound)
            words.append(start..<end)
            start = end
          }
        }
        return words
      }
    case .split(let pattern, let behaviour, let inverted):
      pieces = pieces.flatMap { piece in
        behaviour.pieces(of: piece, matches: text.matches(of: pattern, in: piece), inverted: inverted)
      }
    case .digits(let individual):
      pieces = pieces.flatMap { piece in
        (individual ? SplitBehaviour.isolated : .contiguous)
          .pieces(of: piece, matches: text.digits(in: piece), inverted: false)
      }
    case .blankBefore:
      text.rewrite(&pieces) { if $0.bytes.first != UInt8(ascii: " ") { $0.prepend([UInt8(ascii: " ")]) } }
    case .metaspace(let replacement, let prepending, let splits):
      try text.rewrite(&pieces) { piece in
        try piece.replace([UInt8(ascii: " ")], by: replacement)
        let isWanted =
          switch prepending {
          case .always: true
          case .never: false
          case .first: piece.count > 0 && piece.source(of: 0..<piece.count).lowerBound == 0
          }
        if isWanted, !piece.bytes.starts(with: replacement) { piece.prepend(replacement) }
      }
      if splits { try apply(.split(replacement, .mergedWithNext, inverted: false), to: &text, &pieces) }
    }
  }
}

/// What happens to the matches of a pattern that splits; the names are those in tokenizer.json.
enum SplitBehaviour: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// The pieces of a piece, none of them empty.
  ///
  /// - parameter inverted: Whether the text between matches counts as the match.
  func pieces(of piece: Range<Int>, matches: [Range<Int>], inverted: Bool) -> [Range<Int>] {
    var parts: [(range: Range<Int>, isMatch: Bool)] = []
    var done = piece.lowerBound
    for match in matches {
      if done < match.lowerBound { parts.append((done..<match.lowerBound, inverted)) }
      parts.append((match, !inverted))
      done = match.upperBound
    }
    if done < piece.upperBound { parts.append((done..<piece.upperBound, inverted)) }
    switch self {
    case .isolated: return parts.map(\.range)
    case .removed: return parts.filter { !$0.isMatch }.map(\.range)
    case .contiguous: return joined(parts) { $0 == $1 }
    case .mergedWithPrevious: return joined(parts) { !$0 && $1 }
    case .mergedWithNext:
      // A match goes with what follows, unless that is a match, too.
      return joined(parts) { $0 && !$1 }
    }
  }

  /// Joins neighbours if `belong`, called with whether each of them is a match, returns true.
  private func joined(
    _ parts: [(range: Range<Int>, isMatch: Bool)], _ belong: (Bool, Bool) -> Bool
  ) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var previous: Bool?
    for part in parts {
      if let before = previous, belong(before, part.isMatch), let last = result.popLast() {
        result.append(last.lowerBound..<part.range.upperBound)
      } else {
        result.append(part.range)
      }
      previous = part.isMatch
    }
    return result
  }
}

extension AlignedText {
  /// The matches of `pattern` in a piece, from the left.
  fileprivate func matches(of pattern: [UInt8], in piece: Range<Int>) -> [Range<Int>] {
    guard let first = pattern.first else { return [] }
    var matches: [Range<Int>] = []
    var place = piece.lowerBound
    while place < piece.upperBound {
      let end = place + pattern.count
      if bytes[place] == first, end <= piece.upperBound, bytes[place..<end].elementsEqual(pattern) {
        matches.append(place..<end)
        place = end
      } else {
        place += 1
      }
    }
    return matches
  }

  /// The digits of a piece: everything that Unicode calls a number.
  fileprivate func digits(in piece: Range<Int>) -> [Range<Int>] {
    bytes.withUnsafeBufferPointer { text in
      var matches: [Range<Int>] = []
      var place = piece.lowerBound
      while place < piece.upperBound {
        let (value, end) = text.scalar(at: place)
        if ScalarClass(value) == .number { matches.append(place..<end) }
        place = end
      }
      return matches
    }
  }
}
