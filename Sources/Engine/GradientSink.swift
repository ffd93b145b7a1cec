/// The gradients of one adapted layer for one sample.
package struct ModuleGradient {
  /// The sample's index among those given.
  package let sample: Int

  /// The index of its pack.
  package let pack: Int
  package let module: AdaptedModule

  /// Of A [rank, inputs] and B [outputs, rank], row by row; valid only during the call.
  package let a, b: UnsafeBufferPointer<Float>
}

/// Receives gradients as they are computed.
package protocol GradientSink: Sendable {
  /// Receives the gradients of one module for one sample.
  ///
  /// A sample's gradients arrive on one thread, always in the same order: from the last layer to the first, within a layer by
  /// stage (down; gate, up; o; q, k, v). Those of other samples may arrive on other threads at the same time.
  func take(_ gradient: ModuleGradient) throws

  /// Called after all gradients of these samples. Packs are the same for any number of threads, but end in any order.
  func finish(pack: Int, samples: [Int]) throws
}

extension GradientSink {
  package func finish(pack: Int, samples: [Int]) throws {}
}
