import Adapters
import Diagnostics
import Models
import Synchronization
import Threads

/// A language model with an adapter, which turns samples into losses and exact gradients.
///
/// Every sample has the same bits whatever others it is measured with, in whatever order, and on however many threads.
package struct Engine: Sendable {
  package let model: LanguageModel
  let adaptation: Adaptation
  let threads: Int

  /// Tokens that go through the model together on one thread, but for samples that are longer.
  let packTokens: Int

  /// The adapted layers, in the order of the model; empty without an adapter.
  package var modules: [AdaptedModule] { adaptation.modules }

  /// - parameter adapter: Nil for the untuned model.
  /// - throws: ``Failure`` `badData` where the adapter does not fit the model, or trains what the engine cannot follow.
  package init(model: LanguageModel, adapter: Adapter?, threads: Int, packTokens: Int = 128) throws {
    self.model = model
    self.threads = max(1, threads)
    self.packTokens = max(1, packTokens)
    adaptation = try Adaptation(adapter, model)
  }

  /// What the model makes of the samples, in their order.
  package func losses(of samples: [EncodedSample]) throws -> [SampleLoss] {
    try measure(samples, sink: nil)
  }

  /// The same, and the gradients of each sample that has a loss, of this loss.
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
    let shape = model.shape
    let pool = LayerPool(
      layers: shape.layerCount - min(adaptation.lowest ?? 0, shape.layerCount),
      threads: min(threads, max(packs.count, 1))
    ) { try LayerActivations(shape, adaptation, capacity) }
    let workspaces = FreeRooms<Workspace>()
    let measured = try inParallel(packs.count, threads: threads) { place in
      let work = try workspaces.take() ?? Workspace(model, adaptation, capacity, keeps: sink != nil, pool: pool)
      defer { workspaces.giveBack(work) }
      return try measure(packs[place], sink, in: work)
    }
    var results = faults.map { SampleLoss.unmeasured(reason: $0 ?? "") }
    for (pack, losses) in zip(packs, measured) {
      for (place, sample) in pack.samples.enumerated() { results[sample] = losses[place] }
    }
    return results
  }

  private func measure(
    _ pack: Pack, _ sink: (any GradientSink)?, in work: Workspace
  ) throws -> [SampleLoss] {
    let pass = PackPass(model: model, adaptation: adaptation, pack: pack, work: work)
    // Whatever happens, others may be waiting for what is held here.
    defer {
      work.turn(pack.place)
      work.leave(from: 0)
    }
    try pass.forward()
    let losses = try HeadPass(pass: pass).losses(keeps: sink != nil)
    if let sink {
      try pass.backward(wanted: losses.map(\.isFinite)) { try sink.take($0) }
      try sink.finish(pack: pack.place, samples: zip(pack.samples, losses).filter(\.1.isFinite).map(\.0))
    }
    return zip(losses, pack.predictingRanges).map { loss, range in
      loss.isFinite
        ? .measured(loss: loss, tokens: range.count) : .unmeasured(reason: "its loss is \(loss)")
    }
  }
}

/// What no thread is using of what one works in at a time.
final class FreeRooms<Room>: Sendable {
  private let free = Mutex<[Box]>([])

  func take() -> Room? { free.withLock { $0.popLast() }?.room }

  func giveBack(_ room: Room) {
    let box = Box(room: room)
    free.withLock { $0.append(box) }
  }

  /// Unchecked, for a room is in here only while nobody works in it.
  private struct Box: @unchecked Sendable {
    let room: Room
  }
}
