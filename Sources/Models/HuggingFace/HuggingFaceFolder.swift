import Diagnostics
import Glibc
import JSON
import Tensors

/// A model written by `save_pretrained`: config.json, and safetensors in one file or in several with an index.
struct HuggingFaceFolder {
  let path: String
  private let limits: Limits

  init(_ path: String, limits: Limits) {
    self.path = path
    self.limits = limits
  }

  /// - throws: ``Failure`` that names the file and the setting.
  func config() throws -> HuggingFaceConfig {
    let file = "\(path)/config.json"
    guard exists("config.json") else { throw withoutConfig() }
    return try locating(file: file) { try HuggingFaceConfig(Bytes(mapping: file), limits: limits) }
  }

  /// - throws: ``Failure`` that names the file, and the setting or the tensor.
  func model() throws -> LanguageModel {
    let config = try config()
    var tensors = TensorTable(try weights(), place: path)
    // If only the decoder was saved, the names lack its name in the whole model.
    let naming = TensorNaming.huggingFace(prefix: tensors.names.contains { $0.hasPrefix("model.") } ? "model." : "")
    for name in tensors.names where name.hasSuffix("rotary_emb.inv_freq") { tensors.drop(name) }
    if config.isTied, tensors.has(naming.head) { try checkThatHeadIsTied(&tensors, naming, config.shape) }
    return try LanguageModel(config.shape, from: &tensors, naming, biased: config.biased, isTied: config.isTied)
  }

  /// Some tools store the head as well; a head that differs from the embeddings must not be lost.
  private func checkThatHeadIsTied(_ tensors: inout TensorTable, _ naming: TensorNaming, _ shape: ModelShape) throws {
    let head = try tensors.take(naming.head, [shape.vocabulary, shape.width])
    var others = tensors
    let embeddings = try others.take(naming.embeddings, head.shape)
    let isSame = head.bytes.withUnsafeBytes { head in
      embeddings.bytes.withUnsafeBytes {
        $0.count == head.count && memcmp($0.baseAddress!, head.baseAddress!, $0.count) == 0
      }
    }
    guard isSame else {
      throw Failure(
        .badData, "differs from the embeddings, although the config says that it is tied to them",
        advice: "set 'tie_word_embeddings' to false in the config if the model has its own head", file: head.file,
        tensor: naming.head)
    }
  }

  private static let wholeFile = "model.safetensors"
  private static let indexFile = "model.safetensors.index.json"

  /// All tensors by name.
  private func weights() throws -> [String: StoredTensor] {
    switch (exists(Self.wholeFile), exists(Self.indexFile)) {
    case (true, true):
      throw Failure(
        .badData, "holds \(Self.wholeFile) and \(Self.indexFile)", advice: "remove the one that is not the model",
        file: path)
    case (true, false): return try tensors(of: Self.wholeFile)
    case (false, true): return try shards()
    case (false, false):
      let old = ["pytorch_model.bin", "pytorch_model.bin.index.json"].first(where: exists)
      throw Failure(
        .missingInput, "holds no \(Self.wholeFile)" + (old.map { ", only \($0), which may run any program" } ?? ""),
        advice: "load the model with transformers and save it with save_pretrained, which writes safetensors",
        file: path)
    }
  }

  private func shards() throws -> [String: StoredTensor] {
    let place = "\(path)/\(Self.indexFile)"
    let index = try locating(file: place) { try Self.index(Bytes(mapping: place), limits: limits) }
    var tensors: [String: StoredTensor] = [:]
    for file in Set(index.values).sorted() {
      let found = try self.tensors(of: file)
      for (name, tensor) in found {
        guard index[name] == file else {
          throw Failure(
            .badData, "is in \(file), but \(Self.indexFile) says \(index[name] ?? "no such tensor")",
            advice: "the files do not belong to the same model: fetch it again", file: tensor.file, tensor: name)
        }
        tensors[name] = tensor
      }
    }
    if let name = index.keys.filter({ tensors[$0] == nil }).min() {
      throw Failure(
        .badData, "is not in \(index[name] ?? ""), but \(Self.indexFile) says so",
        advice: "the files do not belong to the same model: fetch it again", file: place, tensor: name)
    }
    return tensors
  }

  /// The file of each tensor, a plain name.
  static func index(_ bytes: Bytes, limits: Limits) throws -> [String: String] {
    guard bytes.count <= limits[.jsonSize] else {
      throw Failure(beyond: .jsonSize, "has \(bytes.count) bytes, more than the limit of \(limits[.jsonSize])")
    }
    let value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
    guard let map = value.objectValue?["weight_map"]?.objectValue, !map.isEmpty else {
      throw Failure(.badData, "has no 'weight_map'")
    }
    var files: [String: String] = [:]
    for (name, value) in map.members {
      // Shards are next to their index; any other path could read other people's files.
      guard let file = value.stringValue, file.hasSuffix(".safetensors"), !file.utf8.contains(UInt8(ascii: "/")),
        !file.utf8.contains(0)
      else {
        throw Failure(
          .badData, "its file is \(value.shown) instead of the plain name of a safetensors file", tensor: name)
      }
      files[name] = file
    }
    return files
  }

  private func tensors(of file: String) throws -> [String: StoredTensor] {
    let place = "\(path)/\(file)"
    return try locating(file: place) {
      let tensors = try SafetensorsFile(Bytes(mapping: place), limits: limits).tensors
      return try Dictionary(
        uniqueKeysWithValues: tensors.map { name, tensor in
          guard let format = WeightFormat(tensor.dtype) else {
            throw Failure(
              .badData, "is stored as \(tensor.dtype.torchName), but only float32, bfloat16 and float16 are supported",
              advice: "load the model with transformers in bfloat16 or float32 and save it again", tensor: name)
          }
          return (name, StoredTensor(format: format, shape: tensor.shape, bytes: tensor.bytes, file: place))
        })
    }
  }

  private func withoutConfig() -> Failure {
    let advice =
      exists("adapter_config.json")
      ? "this is an adapter; give the folder of the model that it was trained on"
      : "a model is a folder with config.json and model.safetensors, or one .gguf file"
    return Failure(.missingInput, "holds no config.json", advice: advice, file: path)
  }

  private func exists(_ file: String) -> Bool { access("\(path)/\(file)", F_OK) == 0 }
}
