import Diagnostics

/// What a GGUF file says of its tokenizer, under `tokenizer.ggml`.
package struct GGUFVocabulary: Sendable {
  /// `model`: `gpt2` or `llama`.
  package var model: String
  /// `pre`: by which name llama.cpp knows how words are split.
  package var pre: String?
  package var tokens: [String]
  /// `token_type`, of each token: 1 normal, 2 unknown, 3 control, 4 defined by users, 5 unused, 6 byte.
  package var types: [Int]
  /// `scores`, of each token; `llama` only.
  package var scores: [Float] = []
  /// `merges`, written as `"a b"`; `gpt2` only.
  package var merges: [String] = []
  /// `bos_token_id`, `eos_token_id` and `add_bos_token`.
  package var beginOfText: Int?
  package var endOfText: Int?
  package var addsBeginOfText: Bool?
  /// `add_space_prefix`.
  package var addsSpacePrefix: Bool?
  /// `remove_extra_whitespaces`, and whether there is a `precompiled_charsmap`: both are refused.
  package var removesExtraBlanks = false
  package var mapsCharacters = false
  /// `tokenizer.chat_template`.
  package var chatTemplate: String?

  package init(model: String, pre: String?, tokens: [String], types: [Int]) {
    self.model = model
    self.pre = pre
    self.tokens = tokens
    self.types = types
  }
}

extension Tokenizer {
  /// The tokenizer of a GGUF file.
  ///
  /// - throws: ``Failure`` `badData` for a kind of vocabulary or a way to split that is not understood.
  package convenience init(_ vocabulary: GGUFVocabulary, path: String) throws {
    self.init(try locating(file: path) { try vocabulary.parts() })
  }
}

extension GGUFVocabulary {
  /// How the files that llama.cpp converts split words, by its name for it.
  private static let splitters: [String: (normalizer: Normalizer, steps: [PreTokenizer.Step])] = [
    "gpt-2": (Normalizer(), [.words(.gpt2)]),
    "smollm": (Normalizer(), [.digits(individual: true), .words(.gpt2)]),
    "llama-bpe": (Normalizer(), [.words(.cl100k(mostDigits: 3))]),
    // Qwen2's own tokenizer composes characters first; llama.cpp does not.
    "qwen2": (Normalizer(steps: [.composed]), [.words(.cl100k(mostDigits: 1))]),
  ]

  fileprivate func parts() throws -> TokenizerParts {
    guard types.count == tokens.count else {
      throw Failure(.badData, "'tokenizer.ggml.token_type' has \(types.count) entries for \(tokens.count) tokens")
    }
    let kinds = try types.map { number in
      guard let kind = PieceVocabulary.Kind(rawValue: number) else {
        throw Failure(.badData, "'tokenizer.ggml.token_type' has the type \(number), which is not understood")
      }
      return kind
    }
    var parts =
      switch model {
      case "gpt2": try byteLevelParts(kinds)
      case "llama": try pieceParts(kinds)
      default:
        throw Failure(
          .badData, "'tokenizer.ggml.model' is '\(model)', which is not understood", advice: "gpt2 and llama are")
      }
    parts.settings.beginOfText = try checked(beginOfText, "bos_token_id")
    parts.settings.endOfText = try checked(endOfText, "eos_token_id")
    // What llama.cpp does where a file does not say.
    parts.settings.addsBeginOfText = addsBeginOfText ?? (model == "llama" || pre == "llama-bpe")
    parts.settings.chatTemplate = chatTemplate
    if parts.settings.addsBeginOfText, let begin = parts.settings.beginOfText { parts.postProcessor.before = [begin] }
    return parts
  }

  private func checked(_ id: Int?, _ key: String) throws -> Int32? {
    guard let id else { return nil }
    guard tokens.indices.contains(id), let id = Int32(exactly: id) else {
      throw Failure(.badData, "'tokenizer.ggml.\(key)' is \(id), and there are \(tokens.count) tokens")
    }
    return id
  }

  private func byteLevelParts(_ kinds: [PieceVocabulary.Kind]) throws -> TokenizerParts {
    guard let pre, let splitter = Self.splitters[pre] else {
      let known = Self.splitters.keys.sorted().joined(separator: ", ")
      throw Failure(
        .badData,
        pre.map { "'tokenizer.ggml.pre' is '\($0)', which is not understood" } ?? "'tokenizer.ggml.pre' is missing",
        advice: "understood here: \(known); or take the model's Hugging Face folder")
    }
    var vocabulary = Vocabulary()
    for (id, token) in tokens.enumerated() { try vocabulary.add(Array(token.utf8), id: id) }
    var table = MergeTable()
    table.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() { try table.add(merge, rank: rank, vocabulary) }
    let found = kinds.indices.filter { kinds[$0] == .control || kinds[$0] == .userDefined }
    let added = try AddedTokens(
      found.map { id in
        AddedToken(id: Int32(id), content: Array(tokens[id].utf8), isSpecial: kinds[id] == .control)
      }
    ) { $0 }
    return TokenizerParts(
      added: added, normalizer: splitter.normalizer,
      preTokenizer: PreTokenizer(steps: splitter.steps, isByteLevel: true),
      model: BytePairModel(
        vocabulary: vocabulary, merges: table, ignoresMerges: pre == "llama-bpe", isByteLevel: true),
      decoder: Decoder(steps: [.byteLevel]))
  }

  private func pieceParts(_ kinds: [PieceVocabulary.Kind]) throws -> TokenizerParts {
    if removesExtraBlanks {
      throw Failure(.badData, "'tokenizer.ggml.remove_extra_whitespaces' is set, which is not understood")
    }
    if mapsCharacters {
      throw Failure(.badData, "'tokenizer.ggml.precompiled_charsmap' is set, which is not understood")
    }
    guard scores.count == tokens.count else {
      throw Failure(.badData, "'tokenizer.ggml.scores' has \(scores.count) entries for \(tokens.count) tokens")
    }
    let pieces = tokens.indices.map {
      PieceVocabulary.Piece(content: Array(tokens[$0].utf8), score: scores[$0], kind: kinds[$0])
    }
    return try TokenizerParts(
      PieceVocabulary(pieces: pieces, addsPrefix: addsSpacePrefix ?? true), isLegacy: true)
  }
}
