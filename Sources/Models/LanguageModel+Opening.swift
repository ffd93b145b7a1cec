import Diagnostics
import Tensors

extension LanguageModel {
  /// Opens a model: the folder of a Hugging Face model, or a GGUF file. Weights are mapped, not read.
  ///
  /// - throws: ``Failure`` `missingInput` if there is no model, `badData` if it is damaged or not supported; it names the
  ///   file, and the setting or the tensor.
  package init(at path: String, limits: Limits = Limits()) throws {
    if try isModelFolder(path) {
      self = try HuggingFaceFolder(path, limits: limits).model()
      return
    }
    self = try locating(file: path) {
      let bytes = try Bytes(mapping: path)
      guard GGUFFile.isGGUF(bytes) else {
        throw Failure(
          .badData, "is not a GGUF file", advice: "of a Hugging Face model name the folder that holds its config.json")
      }
      return try LanguageModel(GGUFFile(bytes, limits: limits), path: path)
    }
  }

  /// The model in a GGUF file; `path` is for messages.
  ///
  /// - throws: ``Failure`` `badData` that names the setting or the tensor.
  package init(_ file: GGUFFile, path: String) throws {
    self = try locating(file: path) { try GGUFModel(file, path: path).model() }
  }
}
