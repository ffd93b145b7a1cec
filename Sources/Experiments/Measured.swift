import Diagnostics
import JSON
import Tensors

/// What a model makes of a held-out sample, as `clues measure --samples` writes it.
struct Measured: Sendable {
  let id: String
  let domain: String
  let tokens: Int
  let loss: Double

  /// What the only model of a measurement is called.
  static let adapter = "adapter"

  /// The samples of a measurement of one model.
  static func all(_ folder: String, _ limits: Limits) throws -> [Measured] {
    let path = "\(folder)/samples.jsonl"
    return try lines(path, limits).map { line in
      let models = line["models"]?.objectValue?.members ?? []
      guard let id = line["id"]?.stringValue, let domain = line["domain"]?.stringValue,
        let tokens = line["tokens"]?.intValue, let loss = models.first?.value.objectValue?["loss"]?.doubleValue
      else {
        throw Failure(
          .badData, "is no measurement of losses", advice: "test data are samples with answers, not with choices",
          file: path)
      }
      return Measured(id: id, domain: domain, tokens: tokens, loss: loss)
    }
  }

  static func lines(_ path: String, _ limits: Limits) throws -> [JSONObject] {
    var lines: [JSONObject] = []
    try locating(file: path) {
      try Bytes(mapping: path).withUnsafeBytes {
        try JSONReader(limits).readLines($0) { value, _ in if let object = value.objectValue { lines.append(object) } }
      }
    }
    return lines
  }
}
