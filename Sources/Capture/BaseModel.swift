import Adapters
import Diagnostics
import Files
import Models
import SystemPackage
import Tensors
import Tokenizers

/// A base model and its tokenizer, if it has one.
package struct BaseModel: Sendable {
  package let path: String
  package let model: LanguageModel
  package let tokenizer: Tokenizer?

  package init(_ path: String, limits: Limits) throws {
    self.path = path
    model = try LanguageModel(at: path, limits: limits)
    guard FilePath(path).isFolder else {
      tokenizer = try locating(file: path) {
        let file = try GGUFFile(try Bytes(mapping: path), limits: limits)
        return try GGUFVocabulary(file.metadata).map { try Tokenizer($0, path: path) }
      }
      return
    }
    // Samples that are tokens need none.
    let hasTokenizer = ["tokenizer.json", "tokenizer.model"].contains { FilePath("\(path)/\($0)").exists }
    tokenizer = hasTokenizer ? try Tokenizer(folder: path) : nil
  }

  package var facts: ModelFacts {
    ModelFacts(
      vocabulary: model.shape.vocabulary, maximumLength: model.shape.maximumLength, beginOfText: tokenizer?.beginOfText)
  }

  /// A remark if an adapter was trained on another model, judging by names.
  package func note(on adapter: Adapter) -> String? {
    // A model can have many paths, so only the last part of its name is compared.
    func lastPart(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }
    guard let named = adapter.config.baseModel, lastPart(named) != lastPart(path) else { return nil }
    return "the adapter was trained on '\(named)', and the base model here is '\(path)'"
  }
}

extension GGUFVocabulary {
  /// The tokenizer in the metadata of a GGUF file; nil if there is none.
  ///
  /// - throws: ``Failure`` `badData` that names the key.
  init?(_ metadata: [String: GGUFValue]) throws {
    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }
    guard let model = try metadata.text(key("model")) else { return nil }
    guard let tokens = try metadata.texts(key("tokens")), let types = try metadata.integers(key("token_type")) else {
      throw Failure(.badData, "names the tokenizer '\(model)' and lacks its tokens or their types")
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
