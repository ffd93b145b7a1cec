import Adapters
import Diagnostics
import Foundation
import Models
import Tensors
import Tokenizers

/// A base model and its tokenizer, if it brings one.
package struct BaseModel: Sendable {
  package let path: String
  package let model: LanguageModel
  package let tokenizer: Tokenizer?

  package init(_ path: String, limits: Limits) throws {
    self.path = path
    model = try LanguageModel(at: path, limits: limits)
    var isFolder: ObjCBool = false
    let files = FileManager.default
    guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      tokenizer = try locating(file: path) {
        let file = try GGUFFile(try Bytes(mapping: path), limits: limits)
        return try GGUFVocabulary(file.metadata).map { try Tokenizer($0, path: path) }
      }
      return
    }
    // Samples that are tokens need none.
    let hasTokenizer = ["tokenizer.json", "tokenizer.model"].contains { files.fileExists(atPath: "\(path)/\($0)") }
    tokenizer = hasTokenizer ? try Tokenizer(folder: path) : nil
  }

  var facts: ModelFacts {
    ModelFacts(
      vocabulary: model.shape.vocabulary, maximumLength: model.shape.maximumLength, beginOfText: tokenizer?.beginOfText)
  }

  /// What there is to say where an adapter was trained on another model, as far as names tell.
  package func note(on adapter: Adapter) -> String? {
    // A model goes by many paths, so it is the last part of its name that is compared.
    func lastPart(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }
    guard let named = adapter.config.baseModel, lastPart(named) != lastPart(path) else { return nil }
    return "the adapter was trained on '\(named)', and the base model here is '\(path)'"
  }
}
