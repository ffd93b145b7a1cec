import Adapters
import Diagnostics
import Models
import Threads

/// A language model with an adapter that is being trained: the loss of a batch, and its gradient by all factors.
///
/// The same passes as ``Engine``'s, with factors that change from step to step. A batch has the same bits on any number of
/// threads: its samples are divided into packs by their lengths alone, and packs are summed in their order.
package struct BatchEngine: Sendable {
  private let model: LanguageModel
  private let layout: Adaptation
  private let threads: Int
  private let packTokens: Int
  private let dropoutRate: Double
  private let passes: Passes

  /// The adapted layers, in the order of the model.
  package var modules: [AdaptedModule] { layout.modules }

  /// - parameters:
  ///   - adapter: Which layers are adapted, their ranks and scalings.
  ///   - longest: The tokens of the longest sample that will come.
  ///   - dropout: The chance that a number before A is dropped, from 0 up to 1.
  /// - throws: ``Failure`` `badData` where the adapter does not fit the model, or trains what the engine cannot follow.
  package init(
    model: LanguageModel, adapter: Adapter, longest: Int, dropout: Double, threads: Int, packTokens: Int = 192
  ) throws {
    self.model = model
    layout = try Adaptation(adapter, model)
    self.threads = max(1, threads)
    self.packTokens = max(1, packTokens)
    dropoutRate = dropout
    let panels = Panels.count(of: max(longest, packTokens))
    passes = Passes(
      model, layout, Capacity(panels: panels, predictingPanels: panels, longestSample: longest), threads: self.threads,
      keeps: true)
  }

  /// The gradient of a batch's mean loss over the labels of all its samples together, as the Trainer of Hugging Face takes it
  /// over the batches that it accumulates (`num_items_in_batch`).
  ///
  /// - parameters:
  ///   - factors: By module, A [rank, inputs] and then B [outputs, rank].
  ///   - keys: By sample, what its dropout is drawn from.
  ///   - interruption: Asked before every pack.
  /// - returns: The loss, not finite where that of a sample is not; and its gradient by module, A and then B, empty where the
  ///   loss is not finite.
  /// - throws: ``Failure`` `badData` for a sample that the model cannot measure, and what `interruption` throws.
  package func gradient(
    of batch: [EncodedSample], factors: [[Float]], keys: [UInt64], interruption: @Sendable () throws -> Void = {}
  ) throws -> (loss: Double, factors: [[Float]]) {
    for sample in batch {
      if let fault = sample.fault(for: model.shape.vocabulary, maximumLength: model.shape.maximumLength) {
        throw Failure(.badData, "a sample of the batch cannot be learned from: \(fault)")
      }
    }
    // As few packs as there can be, of about the same length: threads end together, and few lanes stay empty.
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
