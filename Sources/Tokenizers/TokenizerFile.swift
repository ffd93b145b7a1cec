import Diagnostics
import JSON
import Tensors

extension TokenizerParts {
  /// Reads tokenizer.json.
  ///
  /// - throws: ``Failure`` `badData` that names the part which is not understood.
  init(json: Bytes, limits: Limits) throws {
    var reader = JSONReader(limits)
    reader.keysOfTables = ["vocab"]
    let file = try FilePart(try json.withUnsafeBytes { try reader.read($0) }, "tokenizer.json")
    // Truncation and padding are for batches; transformers switches them off, too, unless somebody asks for them.
    try file.allowOnly(
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
      "model")
    if let version = try file.textIfAny("version"), version != "1.0" {
      throw Failure(.badData, "'version' is '\(version)'; 1.0 is understood")
    }
    let normalizer = try Normalizer(file.object["normalizer"])
    preTokenizer = try PreTokenizer(file.object["pre_tokenizer"])
    self.normalizer = normalizer
    model = try BytePairModel(
      FilePart(file.object["model"] ?? .null, "model"), isByteLevel: preTokenizer.isByteLevel)
    postProcessor = try PostProcessor(file.object["post_processor"])
    decoder = try Decoder(file.object["decoder"])
    added = try AddedTokens(try Self.addedTokens(file, model.vocabulary)) { content in
      var text = AlignedText(content, at: 0)
      try normalizer.apply(to: &text)
      return text.bytes
    }
    for id in postProcessor.before + postProcessor.behind
    where added.content(of: id) == nil && model.vocabulary.content(of: id) == nil {
      throw Failure(.badData, "'post_processor' puts the id \(id) around texts, which no token has")
    }
  }

  /// The added tokens; those that are not in the vocabulary are numbered as `tokenizers` does it, whatever the file says.
  private static func addedTokens(_ file: FilePart, _ vocabulary: Vocabulary) throws -> [AddedToken] {
    var next = vocabulary.count
    return try file.list("added_tokens").enumerated().map { place, value in
      let part = try FilePart(value, "added_tokens[\(place)]")
      try part.allowOnly("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
      let content = Array(try part.text("content").utf8)
      let id = try part.number("id")
      let expected: Int
      if let known = vocabulary.id(of: content) {
        expected = Int(known)
      } else {
        expected = next
        next += 1
        guard vocabulary.content(of: Int32(truncatingIfNeeded: expected)) == nil else {
          throw Failure(
            .badData, "the added token '\(Vocabulary.shown(content))' gets the id \(expected), which is taken")
        }
      }
      guard id == expected else {
        throw Failure(
          .badData, "the added token '\(Vocabulary.shown(content))' has the id \(id), where \(expected) is expected")
      }
      return AddedToken(
        id: Int32(expected), content: content, isSpecial: try part.flag("special"),
        isNormalized: try part.flag("normalized"), isSingleWord: try part.flag("single_word"),
        stripsLeft: try part.flag("lstrip"), stripsRight: try part.flag("rstrip"))
    }
  }
}

extension BytePairModel {
  init(_ part: FilePart, isByteLevel: Bool) throws {
    // Old files leave it out where the merges tell.
    if let type = try part.textIfAny("type"), type != "BPE" { throw part.unknown(type, among: ["BPE"]) }
    try part.allowOnly(
      "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
      "ignore_merges", "vocab", "merges")
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = try part.textIfAny(key), !text.isEmpty {
        throw Failure(.badData, "'model.\(key)' is '\(text)'; tokenizers with it are not understood")
      }
    }
    if let dropout = part.value("dropout"), dropout.doubleValue != 0 {
      throw Failure(
        .badData, "'model.dropout' is set, so that a text has no certain tokens", advice: "set it to null")
    }
    guard part.value("vocab") != nil, part.value("merges") != nil else {
      throw Failure(.badData, "'model' has no 'vocab', or no 'merges'")
    }
    var vocabulary = Vocabulary()
    for pair in try part.list("vocab") {
      guard let pair = pair.arrayValue, pair.count == 2, let content = pair[0].stringValue, let id = pair[1].intValue
      else { throw Failure(.badData, "'model.vocab' holds something else than tokens with their ids") }
      try vocabulary.add(Array(content.utf8), id: id)
    }
    let unknown = try part.textIfAny("unk_token").flatMap { vocabulary.id(of: Array($0.utf8)) }
    self.init(
      vocabulary: vocabulary, merges: try MergeTable(try part.list("merges"), vocabulary),
      ignoresMerges: try part.flag("ignore_merges", false), unknown: unknown,
      fusesUnknown: try part.flag("fuse_unk", false), fallsBackToBytes: try part.flag("byte_fallback", false),
      isByteLevel: isByteLevel)
    if isByteLevel, byteTokens != nil, alphabet?.contains(nil) == true {
      throw Failure(.badData, "'model.byte_fallback' is set for a byte-level tokenizer that lacks bytes")
    }
  }
}

extension MergeTable {
  /// Reads merges in order of their rank, each written as `"a b"` or as `["a", "b"]`.
  init(_ merges: [JSONValue], _ vocabulary: Vocabulary) throws {
    reserveCapacity(merges.count)
    for (place, merge) in merges.enumerated() {
      if let pair = merge.arrayValue, pair.count == 2, let left = pair[0].stringValue, let right = pair[1].stringValue {
        try add(Array(left.utf8), Array(right.utf8), rank: place, vocabulary)
      } else if let text = merge.stringValue {
        try add(text, rank: place, vocabulary)
      } else {
        throw Failure(.badData, "'model.merges[\(place)]' is not a pair of tokens")
      }
    }
  }

  /// Adds a merge written as `"a b"`.
  mutating func add(_ text: String, rank: Int, _ vocabulary: Vocabulary) throws {
    // A line that merges.txt begins with; `tokenizers` leaves it out wherever it stands.
    if text.utf8.starts(with: "#version".utf8) { return }
    let parts = Array(text.utf8).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw Failure(.badData, "the merge '\(Vocabulary.shown(text.utf8))' is not a pair of tokens")
    }
    try add(Array(parts[0]), Array(parts[1]), rank: rank, vocabulary)
  }

  private mutating func add(_ left: [UInt8], _ right: [UInt8], rank: Int, _ vocabulary: Vocabulary) throws {
    func id(_ content: [UInt8]) throws -> Int32 {
      guard let id = vocabulary.id(of: content) else {
        throw Failure(
          .badData,
          "the merge '\(Vocabulary.shown(left)) \(Vocabulary.shown(right))' needs the token "
            + "'\(Vocabulary.shown(content))', which is not in the vocabulary")
      }
      return id
    }
    guard let rank = UInt32(exactly: rank) else { throw Failure(.badData, "there are too many merges") }
    add(try id(left), try id(right), rank: rank, id: try id(left + right))
  }
}
