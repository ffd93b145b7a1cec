import Adapters
import Diagnostics
import Models
import Threads

/// A language model with an adapter in training: the loss of a batch, and its gradient with respect to all factors.
///
/// The passes are those of ``Engine``, with factors that change from step to step. A batch has the same bits on any number of
/// threads: samples are divided into packs by their lengths alone, and packs are summed in order.
package struct BatchEngine: Sendable {
  private let model: LanguageModel
  private let layout: Adaptation
  private let threads: Int
  private let packTokens: Int
  private let dropoutRate: Double
  private let passes: Passes

  /// Whether activations are checkpointed: the backward pass recomputes each layer from its input, which takes a third more time
  /// and much less memory. No bit depends on it.
  package let recomputes: Bool

  /// The adapted layers, in the order of the model.
  package var modules: [AdaptedModule] { layout.modules }

  /// - parameters:
  ///   - adapter: The adapted layers, their ranks and scalings.
  ///   - longest: The maximum number of tokens of a sample.
  ///   - dropout: The probability that an input of A is dropped, from 0 up to 1.
  ///   - recomputes: Whether activations are checkpointed whatever their size.
  ///   - memory: The bytes that activations may take without being checkpointed.
  /// - throws: ``Failure`` `badData` if the adapter does not fit the model, or trains what the engine does not support.
  package init(
    model: LanguageModel, adapter: Adapter, longest: Int, dropout: Double, threads: Int, packTokens: Int = 192,
    recomputes: Bool = false, memory: Int = .max
  ) throws {
    self.model = model
    layout = try Adaptation(adapter, model)
    self.threads = max(1, threads)
    self.packTokens = max(1, packTokens)
    dropoutRate = dropout
    let panels = Panels.count(of: max(longest, packTokens))
    let capacity = Capacity(panels: panels, predictingPanels: panels, longestSample: longest)
    let layers = LayerPool.most(layers: layout.layersAbove(in: model.shape), threads: self.threads)
    self.recomputes =
      try recomputes || LayerActivations(model.shape, layout, capacity).byteCount > memory / max(1, layers)
    passes = Passes(model, layout, capacity, threads: self.threads, keeps: true, recomputes: self.recomputes)
  }

  /// The gradient of the mean loss over all labels of a batch, as Hugging Face's Trainer computes it over accumulated batches
  /// (`num_items_in_batch`).
  ///
  /// - parameters:
  ///   - factors: By module, A [rank, inputs] then B [outputs, rank].
  ///   - keys: The dropout key of each sample.
  ///   - interruption: Called before every pack.
  /// - returns: The loss, which is not finite if a sample's is not, and its gradient by module, A then B, empty if the loss is
  ///   not finite.
  /// - throws: ``Failure`` `badData` for a sample that the model cannot measure; what `interruption` throws.
  package func gradient(
    of batch: [EncodedSample], factors: [[Float]], keys: [UInt64], interruption: @Sendable () throws -> Void = {}
  ) throws -> (loss: Double, factors: [[Float]]) {
    for sample in batch {
      if let fault = sample.fault(for: model.shape.vocabulary, maximumLength: model.shape.maximumLength) {
        throw Failure(.badData, "a sample of the batch cannot be learned from: \(fault)")
      }
    }
    // As few packs as possible, of about the same length, so that threads end together and few lanes are empty.
    let tokens = batch.reduce(0) { $0 + $1.tokens.count }
    let count = max(1, (tokens + packTokens - 1) / packTokens)
    let packs = Pack.divide(Array(batch.indices), of: batch, tokens: max(1, (tokens + count - 1) / count))
    let labels = packs.reduce(0) { $0 + $1.predicting.count }
    let adaptation = layout.with(factors)
    let dropout = dropoutRate > 0 ? Dropout(rate: dropoutRate, keys: keys) : nil
    let sums = GradientSums(modules)
    let losses = try inParallel(packs.count, threads: threads) { place in
      try interruption()
      return try passes.take(packs[place], adaptation, dropout: dropout) { pass in
        try pass.forward()
        let means = try HeadPass(pass: pass).losses(keeps: true, labels: labels)
        let loss = zip(means, pass.pack.predictingRanges).reduce(0) { $0 + $1.0 * Double($1.1.count) }
        if loss.isFinite { try pass.backward([pass.pack.whole]) { sums.take($0) } }
        sums.finish(pack: pass.pack.place, samples: pass.pack.samples)
        return loss
      }
    }
    let loss = losses.reduce(0, +) / Double(labels)
    return (loss, loss.isFinite ? sums.total().map { $0.map { Float($0) } } : [])
  }
}
