import Diagnostics
import Files
import JSON
import SystemPackage
import Tensors

/// The tokens that end a model's text, as named in its folder.
enum StopTokens {
  /// `eos_token_id` of `generation_config.json` and `config.json`; none for a GGUF file, whose tokenizer has it.
  ///
  /// - throws: ``Failure`` `badData` with the file.
  static func configured(in model: String) throws -> Set<Int32> {
    var found: Set<Int32> = []
    for name in ["generation_config.json", "config.json"] {
      let path = "\(model)/\(name)"
      guard FilePath(path).exists else { continue }
      let bytes = try Bytes(mapping: path)
      try locating(file: path) {
        // Python writes generation_config.json, possibly with infinities.
        var reader = JSONReader()
        reader.takesNonFiniteNumbers = true
        let value = try bytes.withUnsafeBytes { try reader.read($0) }.objectValue?["eos_token_id"] ?? .null
        for id in value.arrayValue ?? (value.isNull ? [] : [value]) {
          guard let number = id.intValue, let token = Int32(exactly: number) else {
            throw Failure(.badData, "has \(id.kindName) as 'eos_token_id' instead of a token id")
          }
          found.insert(token)
        }
      }
    }
    return found
  }
}
