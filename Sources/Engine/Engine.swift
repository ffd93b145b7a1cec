import Adapters
import Diagnostics
import Models
import Threads

/// A language model with an adapter, which computes samples' losses and exact gradients.
///
/// A sample's results have the same bits regardless of the other samples, their order, and the number of threads.
package struct Engine: Sendable {
  package let model: LanguageModel
  let adaptation: Adaptation
  let threads: Int

  /// The number of tokens that go through the model together on one thread, except for longer samples.
  let packTokens: Int

  /// Called after each pack with the indices of its samples, on any thread; what it throws ends the work.
  package var packEnded: @Sendable (_ samples: [Int]) throws -> Void = { _ in }

  /// The adapted layers, in the order of the model; empty without an adapter.
  package var modules: [AdaptedModule] { adaptation.modules }

  /// - parameter adapter: Nil for the untuned model.
  /// - throws: ``Failure`` `badData` if the adapter does not fit the model, or trains what the engine does not support.
  package init(model: LanguageModel, adapter: Adapter?, threads: Int, packTokens: Int = 128) throws {
    self.model = model
    self.threads = max(1, threads)
    self.packTokens = max(1, packTokens)
    adaptation = try Adaptation(adapter, model)
  }

  /// The losses of the samples, in order.
  package func losses(of samples: [EncodedSample]) throws -> [SampleLoss] {
    try measure(samples, sink: nil)
  }

  /// The same, and the gradients of each sample that has a loss.
  @discardableResult
  package func gradients(of samples: [EncodedSample], into sink: some GradientSink) throws -> [SampleLoss] {
    try measure(samples, sink: sink)
  }

  /// Why the model cannot measure a sample; nil if it can.
  package func fault(of sample: EncodedSample) -> String? {
    sample.fault(for: model.shape.vocabulary, maximumLength: model.shape.maximumLength)
  }

  private func measure(_ samples: [EncodedSample], sink: (any GradientSink)?) throws -> [SampleLoss] {
    let faults = samples.map(fault)
    let packs = Pack.divide(samples.indices.filter { faults[$0] == nil }, of: samples, tokens: packTokens)
    let capacity = Capacity(
      panels: packs.map(\.panels).max() ?? 0, predictingPanels: packs.map(\.predictingPanels).max() ?? 0,
      longestSample: packs.flatMap(\.ranges).map(\.count).max() ?? 0)
    let adaptation = adaptation
    let passes = Passes(
      model, adaptation, capacity, threads: min(threads, max(packs.count, 1)), keeps: sink != nil)
    let measured = try inParallel(packs.count, threads: threads) { place in
      let losses = try passes.take(packs[place], adaptation) { try measure($0, sink) }
      try packEnded(packs[place].samples)
      return losses
    }
    var results = faults.map { SampleLoss.unmeasured(reason: $0 ?? "") }
    for (pack, losses) in zip(packs, measured) {
      for (place, sample) in pack.samples.enumerated() { results[sample] = losses[place] }
    }
    return results
  }

  private func measure(_ pass: PackPass, _ sink: (any GradientSink)?) throws -> [SampleLoss] {
    let pack = pass.pack
    try pass.forward()
    let losses = try HeadPass(pass: pass).losses(keeps: sink != nil)
    if let sink {
      let portions = zip(pack.portions, losses).filter(\.1.isFinite).map(\.0)
      try pass.backward(portions) { try sink.take($0) }
      try sink.finish(pack: pack.place, samples: portions.map(\.sample))
    }
    return pack.losses(losses)
  }
}
