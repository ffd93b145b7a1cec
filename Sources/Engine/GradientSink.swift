/// The gradients of one adapted layer for one sample.
package struct ModuleGradient {
  /// The sample's place among those that were given.
  package let sample: Int

  /// The pack that it goes through the model in.
  package let pack: Int
  package let module: AdaptedModule

  /// Of A [rank, inputs] and B [outputs, rank], row after row; valid during the call only.
  package let a, b: UnsafeBufferPointer<Float>
}

/// What takes gradients as they come.
package protocol GradientSink: Sendable {
  /// Receives the gradients of one module for one sample.
  ///
  /// Those of a sample come one after the other, from the last layer to the first, within a layer by stage (down; gate, up;
  /// o; q, k, v), always in the same order, and all on one thread; those of other samples may come on other threads meanwhile.
  func take(_ gradient: ModuleGradient) throws

  /// Called when all gradients of these samples have come. Packs are the same for any number of threads, but end in any
  /// order.
  func finish(pack: Int, samples: [Int]) throws
}

extension GradientSink {
  package func finish(pack: Int, samples: [Int]) throws {}
}
