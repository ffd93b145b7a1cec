import Diagnostics

extension LanguageModel {
  /// Assembles a model from the tensors of its files, all of which must be used.
  ///
  /// - parameters:
  ///   - biased: The linear layers that have a bias.
  ///   - isTied: Whether the embeddings are also the head.
  ///   - order: The row order of queries and keys.
  /// - throws: ``Failure`` `badData` that names a tensor that is missing, superfluous, of another shape or not finite.
  init(
    _ shape: ModelShape, from tensors: inout TensorTable, _ naming: TensorNaming, biased: Set<LinearPart>,
    isTied: Bool, order: WeightMatrix.RowOrder = .asTheyAre
  ) throws {
    let embeddings = try tensors.matrix(naming.embeddings, shape.vocabulary, shape.width)
    let layers = try (0..<shape.layerCount).map { layer in
      func linear(_ part: LinearPart, _ tensors: inout TensorTable) throws -> Linear {
        let (outputs, inputs) = part.extents(shape)
        let order = part == .query || part == .key ? order : .asTheyAre
        let weight = try tensors.matrix(naming.linear(layer, part), outputs, inputs, order: order)
        let bias = try biased.contains(part) ? tensors.vector(naming.linear(layer, part, "bias"), outputs) : nil
        return Linear(
          name: "model.layers.\(layer).\(part.rawValue)", weight: weight,
          bias: bias.map { bias in bias.indices.map { bias[order.source(of: $0)] } })
      }
      let normsHeads = shape.normsHeads
      return Layer(
        inputNorm: try tensors.vector(naming.inputNorm(layer), shape.width),
        query: try linear(.query, &tensors), key: try linear(.key, &tensors), value: try linear(.value, &tensors),
        output: try linear(.output, &tensors),
        queryNorm: try normsHeads ? tensors.vector(naming.queryNorm(layer), shape.headWidth) : nil,
        keyNorm: try normsHeads ? tensors.vector(naming.keyNorm(layer), shape.headWidth) : nil,
        feedForwardNorm: try tensors.vector(naming.feedForwardNorm(layer), shape.width),
        gate: try linear(.gate, &tensors), up: try linear(.up, &tensors), down: try linear(.down, &tensors))
    }
    self.init(
      shape: shape, embeddings: embeddings, layers: layers,
      finalNorm: try tensors.vector(naming.finalNorm, shape.width),
      head: try isTied ? embeddings : tensors.matrix(naming.head, shape.vocabulary, shape.width))
    try tensors.refuseRest()
  }

  /// Refuses matrices that hold NaN or infinity; reads all weights.
  ///
  /// Norms and biases are checked when a model is opened. The matrices are not, because that would take as long as reading
  /// the whole model: call this if a result is not finite.
  ///
  /// - throws: ``Failure`` `badData` that names the tensor.
  package func checkThatMatricesAreFinite() throws {
    var matrices = [("model.embed_tokens", embeddings)]
    for layer in layers {
      matrices += [layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down]
        .map { ($0.name, $0.weight) }
    }
    matrices.append(("lm_head", head))
    for (name, matrix) in matrices where !matrix.isFinite() {
      throw Failure(
        .badData, "holds weights that are not finite", advice: "the model is damaged: fetch it again",
        tensor: "\(name).weight")
    }
  }
}
