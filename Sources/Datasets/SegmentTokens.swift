import Diagnostics
import Tokenizers

/// The tokens of a sample given as segments.
///
/// The whole text is tokenised at once, with its special tokens spelled out, as in `apply_chat_template`. If the user's own
/// text spells special tokens, the text is split at those of the template, and nothing else in it is special.
struct SegmentTokens {
  let result: (tokens: [Int32], parts: [Segment.Part])

  init(_ segments: [Segment], _ template: Template, _ tokenizer: Tokenizer) throws {
    let writing = try Writing(segments, template, tokenizer)
    let tokens = try writing.whole(tokenizer) ?? writing.apart(tokenizer)
    result = (writing.start.map(\.id) + tokens.map(\.id), writing.start.map(\.part) + tokens.map(\.part))
  }
}

private typealias PartToken = (id: Int32, part: Segment.Part)

/// Segments as one text, and the positions of its pieces.
private struct Writing {
  /// Leading tokens that are not in the text.
  private(set) var start: [PartToken] = []
  private var text = ""
  private var pieces: [Piece] = []

  private struct Piece {
    let range: Range<Int>
    let part: Segment.Part
    /// Its token id; nil for text.
    let id: Int32?
  }

  init(_ segments: [Segment], _ template: Template, _ tokenizer: Tokenizer) throws {
    func needed(_ id: Int32?, _ what: String) throws -> Int32 {
      guard let id else {
        throw Failure(
          .badData, "needs the template '\(template.rawValue)', but the tokenizer has no \(what)",
          advice: "name the template that fits the model: --template NAME")
      }
      return id
    }
    for segment in segments {
      let id: Int32
      switch segment.content {
      case .text(let words):
        add(words, segment.part, id: nil)
        continue
      case .beginOfText where !template.isChat:
        // Chat templates write it out; here the tokenizer decides, and it is not part of the text.
        guard tokenizer.addsBeginOfText else { continue }
        start.append((try needed(tokenizer.beginOfText, "token for the begin of a text"), segment.part))
        continue
      case .beginOfText: id = try needed(tokenizer.beginOfText, "token for the begin of a text")
      case .endOfText: id = try needed(tokenizer.endOfText, "token for the end of a text")
      case .special(let name): id = try needed(tokenizer.id(of: name), "token '\(name)'")
      }
      add(tokenizer.decode([id]), segment.part, id: id)
    }
  }

  private mutating func add(_ words: String, _ part: Segment.Part, id: Int32?) {
    let end = pieces.last?.range.upperBound ?? 0
    text += words
    pieces.append(Piece(range: end..<end + words.utf8.count, part: part, id: id))
  }

  /// The tokens of the text as one; nil if it has special tokens that are not the template's, or lacks some that are.
  func whole(_ tokenizer: Tokenizer) throws -> [PartToken]? {
    for run in runs {
      let words = text(in: run)
      guard try tokenizer.encode(words) == tokenizer.encode(words, specials: .parsed) else { return nil }
    }
    var specials = pieces.filter { $0.id != nil }[...]
    var at = 0
    var tokens: [PartToken] = []
    for token in try tokenizer.encode(text, specials: .parsed) {
      if let special = specials.first, token.range.upperBound > special.range.lowerBound {
        guard token.id == special.id, token.range.lowerBound <= special.range.lowerBound,
          token.range.upperBound >= special.range.upperBound
        else { return nil }
        tokens.append((token.id, special.part))
        specials.removeFirst()
      } else {
        tokens.append((token.id, part(of: token.range, from: &at)))
      }
    }
    return specials.isEmpty ? tokens : nil
  }

  /// The tokens of the pieces between special ones, each by itself.
  func apart(_ tokenizer: Tokenizer) throws -> [PartToken] {
    var at = 0
    var tokens: [PartToken] = []
    var done = 0
    func take(to end: Int) throws {
      for token in try tokenizer.encode(text(in: done..<end)) {
        let range = token.range.lowerBound + done..<token.range.upperBound + done
        tokens.append((token.id, part(of: range, from: &at)))
      }
    }
    for piece in pieces {
      guard let id = piece.id else { continue }
      try take(to: piece.range.lowerBound)
      tokens.append((id, piece.part))
      done = piece.range.upperBound
    }
    try take(to: text.utf8.count)
    return tokens
  }

  /// The part of the last piece that a token overlaps; tokens come in order.
  private func part(of range: Range<Int>, from at: inout Int) -> Segment.Part {
    let last = max(range.lowerBound, range.upperBound - 1)
    while at + 1 < pieces.count, pieces[at].range.upperBound <= last { at += 1 }
    return pieces[at].part
  }

  /// The texts between special tokens.
  private var runs: [Range<Int>] {
    let specials = pieces.filter { $0.id != nil }.map(\.range)
    let starts = [0] + specials.map(\.upperBound)
    let ends = specials.map(\.lowerBound) + [text.utf8.count]
    return zip(starts, ends).compactMap { $0 < $1 ? $0..<$1 : nil }
  }

  private func text(in range: Range<Int>) -> String {
    let utf8 = text.utf8
    let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
    return String(text[start..<utf8.index(start, offsetBy: range.count)])
  }
}
