import Diagnostics

/// The matrix of a GGUF model that an adapted layer changes.
package struct GGUFTarget: Sendable {
  /// Such as `blk.3.attn_q.weight`.
  package let name: String

  /// [outputs, inputs] of the matrix; of the embeddings, [vocabulary, width].
  package let shape: [Int]

  let order: WeightMatrix.RowOrder

  /// The position of an output's row in GGUF's matrix.
  package func position(ofOutput row: Int) -> Int { order.source(of: row) }

  /// Whether the rows are in another order than in Hugging Face's matrix.
  package var isReordered: Bool { order != .asTheyAre }
}

extension ModelOutline {
  /// The model's name for its architecture in GGUF files.
  package var architecture: String { shape.family == "mistral" ? "llama" : shape.family }

  /// The matrix that a layer with PEFT's name, such as `model.layers.3.self_attn.q_proj`, is in a GGUF file.
  ///
  /// - throws: ``Failure`` `badData` if the model has no such layer, or llama.cpp could not adapt it.
  package func target(ofLayer layer: String) throws -> GGUFTarget {
    let path = layer.hasPrefix("model.") ? layer.dropFirst("model.".count) : Substring(layer)
    switch path {
    case "embed_tokens":
      return GGUFTarget(
        name: TensorNaming.gguf.embeddings, shape: [shape.vocabulary, shape.width], order: .asTheyAre)
    case "lm_head":
      guard !isTied else {
        throw Failure(
          .badData, "the base model's head is its embeddings, so llama.cpp cannot adapt it by itself",
          advice: "leave lm_head out of the adapters' target_modules", tensor: layer)
      }
      return GGUFTarget(name: TensorNaming.gguf.head, shape: [shape.vocabulary, shape.width], order: .asTheyAre)
    default: break
    }
    let pieces = path.split(separator: ".", maxSplits: 2)
    guard pieces.count == 3, pieces[0] == "layers", let number = Int(pieces[1]), "\(number)" == pieces[1],
      (0..<shape.layerCount).contains(number), let part = LinearPart(rawValue: String(pieces[2]))
    else {
      throw Failure(
        .badData,
        "is not a layer of the base model, a \(shape.family) of \(shape.layerCount) layers, that GGUF has a name for",
        advice: "check that the adapters belong to this base model", tensor: layer)
    }
    let (outputs, inputs) = part.extents(shape)
    let isRotated = part == .query || part == .key
    return GGUFTarget(
      name: TensorNaming.gguf.linear(number, part), shape: [outputs, inputs],
      order: isRotated ? .ofQueriesAndKeys(inGGUF: architecture, headWidth: shape.headWidth) : .asTheyAre)
  }
}
