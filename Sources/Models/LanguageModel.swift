/// A decoder of the Llama family in its files: its shape and its frozen weights.
package struct LanguageModel: Sendable {
  package let shape: ModelShape

  /// The embeddings, [vocabulary, width].
  package let embeddings: WeightMatrix

  package let layers: [Layer]

  /// The weights of the last norm, [width].
  package let finalNorm: [Float]

  /// Maps the last hidden state to logits, [vocabulary, width]; the embeddings if they are tied.
  package let head: WeightMatrix

  package init(
    shape: ModelShape, embeddings: WeightMatrix, layers: [Layer], finalNorm: [Float], head: WeightMatrix
  ) {
    self.shape = shape
    self.embeddings = embeddings
    self.layers = layers
    self.finalNorm = finalNorm
    self.head = head
  }

  /// The weights of one block: attention, then the feed-forward part, each after a norm.
  package struct Layer: Sendable {
    package var inputNorm: [Float]
    package var query, key, value, output: Linear

    /// The norms of each head of queries and keys, [headWidth]; only if ``ModelShape/normsHeads``.
    package var queryNorm, keyNorm: [Float]?

    package var feedForwardNorm: [Float]
    package var gate, up, down: Linear

    package init(
      inputNorm: [Float], query: Linear, key: Linear, value: Linear, output: Linear, queryNorm: [Float]? = nil,
      keyNorm: [Float]? = nil, feedForwardNorm: [Float], gate: Linear, up: Linear, down: Linear
    ) {
      self.inputNorm = inputNorm
      self.query = query
      self.key = key
      self.value = value
      self.output = output
      self.queryNorm = queryNorm
      self.keyNorm = keyNorm
      self.feedForwardNorm = feedForwardNorm
      self.gate = gate
      self.up = up
      self.down = down
    }
  }

  /// y = W x + b.
  package struct Linear: Sendable {
    /// PEFT's name for it, `model.layers.3.self_attn.q_proj`.
    package let name: String

    /// [outputs, inputs].
    package let weight: WeightMatrix

    /// [outputs].
    package let bias: [Float]?

    package init(name: String, weight: WeightMatrix, bias: [Float]? = nil) {
      self.name = name
      self.weight = weight
      self.bias = bias
    }
  }
}
