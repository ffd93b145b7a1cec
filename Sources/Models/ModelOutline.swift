import Diagnostics
import Files
import Glibc
import Tensors

/// What is known about a model without its weights.
package struct ModelOutline: Sendable {
  package let shape: ModelShape

  /// Whether the embeddings are also the head.
  package let isTied: Bool

  package init(shape: ModelShape, isTied: Bool) {
    self.shape = shape
    self.isTied = isTied
  }

  /// Reads the config of a model.
  ///
  /// - parameter path: The folder of a Hugging Face model, its config.json, or a GGUF file.
  /// - throws: ``Failure`` `missingInput` if there is nothing, `badData` if the model is not supported.
  package init(at path: String, limits: Limits = Limits()) throws {
    if try isModelFolder(path) {
      self = try HuggingFaceFolder(path, limits: limits).config().outline
      return
    }
    self = try locating(file: path) {
      let bytes = try Bytes(mapping: path)
      guard GGUFFile.isGGUF(bytes) else { return try HuggingFaceConfig(bytes, limits: limits).outline }
      return try GGUFModel(GGUFFile(bytes, limits: limits), path: path).outline()
    }
  }
}

/// Whether a model is a folder; otherwise it is a file.
///
/// - throws: ``Failure`` `missingInput` if there is nothing at `path`.
func isModelFolder(_ path: String) throws -> Bool {
  var status = stat()
  guard stat(path, &status) == 0 else {
    throw Failure(
      system: .missingInput, "cannot be opened",
      advice: HubName(path)?.advice ?? "a model is a folder with config.json and model.safetensors, or one .gguf file",
      file: path)
  }
  return status.st_mode & S_IFMT == S_IFDIR
}
