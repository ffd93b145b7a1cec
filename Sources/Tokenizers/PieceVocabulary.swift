import Diagnostics

/// A vocabulary of SentencePiece's byte-pair encoding: pieces with scores, of which neighbours with the best score merge.
struct PieceVocabulary {
  /// What a piece is for; the numbers are those of SentencePiece and of GGUF.
  enum Kind: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  struct Piece {
    var content: [UInt8]
    var score: Float
    var kind: Kind
  }

  var pieces: [Piece]

  /// Whether a blank is put before a text.
  var addsPrefix = true

  /// How a blank is written: U+2581.
  static let blank = Array("\u{2581}".utf8)
}

extension TokenizerParts {
  /// - parameter isLegacy: Whether a blank is also put before what follows a special token, as transformers did at first.
  init(_ vocabulary: PieceVocabulary, isLegacy: Bool) throws {
    var table = Vocabulary()
    for (id, piece) in vocabulary.pieces.enumerated() { try table.add(piece.content, id: id) }
    let unknowns = vocabulary.pieces.indices.filter { vocabulary.pieces[$0].kind == .unknown }
    guard unknowns.count == 1 else {
      throw Failure(.badData, "the vocabulary has \(unknowns.count) tokens for what is unknown; one is expected")
    }
    let hasBytes = vocabulary.pieces.contains { $0.kind == .byte }
    model = BytePairModel(
      vocabulary: table, merges: try vocabulary.merges(table), unknown: Int32(unknowns[0]), fusesUnknown: true,
      fallsBackToBytes: hasBytes, isByteLevel: false)
    if let bytes = model.byteTokens, bytes.contains(nil) {
      throw Failure(.badData, "the vocabulary has tokens for some bytes and none for others")
    }
    let found = vocabulary.pieces.enumerated().filter { $1.kind == .control || $1.kind == .userDefined }
    // Pieces that users defined are looked for in the normalized text, without being normalized themselves.
    added = try AddedTokens(
      found.map { id, piece in
        AddedToken(
          id: Int32(id), content: piece.content, isSpecial: piece.kind == .control,
          isNormalized: piece.kind == .userDefined)
      }
    ) { $0 }
    let blank = [UInt8(ascii: " ")]
    if vocabulary.addsPrefix {
      normalizer.steps.append(.prepend(PieceVocabulary.blank, onlyAtStart: !isLegacy))
    }
    normalizer.steps.append(.replace(blank, by: PieceVocabulary.blank))
    decoder = Decoder(steps: [.replace(PieceVocabulary.blank, by: blank), .byteFallback, .fuse])
    if vocabulary.addsPrefix { decoder.steps?.append(.strip(blank, start: 1, stop: 0)) }
  }
}

extension PieceVocabulary {
  /// How many bytes may be looked at to find the merges: pieces are short, and each is taken apart in all ways.
  private static let mostWork = 1 << 30

  /// The pairs of pieces that make a piece, in the order of its score; equal scores have equal ranks.
  fileprivate func merges(_ table: Vocabulary) throws -> MergeTable {
    let work = pieces.reduce(0) { $0 + min($1.content.count, 1 << 20) * min($1.content.count, 1 << 20) }
    guard work <= Self.mostWork else {
      throw Failure(.badData, "the pieces of the vocabulary are too long to find out how they merge")
    }
    if let odd = pieces.first(where: { $0.kind == .normal && !$0.score.isFinite }) {
      throw Failure(.badData, "the piece '\(Vocabulary.shown(odd.content))' has the score \(odd.score)")
    }
    let scores = Set(pieces.lazy.filter { $0.kind == .normal }.map(\.score)).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: scores.enumerated().map { ($1, UInt32($0)) })
    var merges = MergeTable()
    for (id, piece) in pieces.enumerated() where piece.kind == .normal || piece.kind == .unused {
      try piece.content.withUnsafeBufferPointer { content in
        for place in content.indices.dropFirst() where content[place] & 0xC0 != 0x80 {
          let left = UnsafeBufferPointer(rebasing: content[..<place])
          let right = UnsafeBufferPointer(rebasing: content[place...])
          guard let left = table.id(of: left), pieces[Int(left)].kind == .normal,
            let right = table.id(of: right), pieces[Int(right)].kind == .normal
          else { continue }
          guard let rank = ranks[piece.score], piece.kind == .normal else {
            throw Failure(
              .badData, "the piece '\(Vocabulary.shown(piece.content))' is marked as unused, which is not understood")
          }
          merges.add(left, right, rank: rank, id: Int32(id))
        }
      }
    }
    return merges
  }
}
