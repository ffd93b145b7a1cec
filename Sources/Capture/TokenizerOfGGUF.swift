import Diagnostics
import Models
import Tokenizers

extension GGUFVocabulary {
  /// The tokenizer in the metadata of a GGUF file; nil if they have none.
  ///
  /// - throws: ``Failure`` `badData` that names the key.
  init?(_ metadata: [String: GGUFValue]) throws {
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    guard let model = try metadata.text(key("model")) else { return nil }
    guard let tokens = try metadata.texts(key("tokens")), let types = try metadata.integers(key("token_type")) else {
      throw Failure(.badData, "names the tokenizer '\(model)' but lacks its tokens or their types")
    }
    self.init(model: model, pre: try metadata.text(key("pre")), tokens: tokens, types: types)
    scores = try metadata.numbers(key("scores"))?.map { Float($0) } ?? []
    merges = try metadata.texts(key("merges")) ?? []
    beginOfText = try metadata.integer(key("bos_token_id"))
    endOfText = try metadata.integer(key("eos_token_id"))
    addsBeginOfText = try metadata.flag(key("add_bos_token"))
    addsSpacePrefix = try metadata.flag(key("add_space_prefix"))
    removesExtraBlanks = try metadata.flag(key("remove_extra_whitespaces")) ?? false
    mapsCharacters = metadata[key("precompiled_charsmap")] != nil
    chatTemplate = try metadata.text("tokenizer.chat_template")
  }
}
