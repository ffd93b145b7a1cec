import Models

/// The memory for packs in the model, reused from pack to pack.
final class Passes: Sendable {
  private let model: LanguageModel
  private let capacity: Capacity
  private let keeps, recomputes: Bool
  private let pool: LayerPool
  private let workspaces = FreeWorkspaces<Workspace>()

  /// - parameters:
  ///   - adaptation: Any with the ranks and layers that will be used.
  ///   - threads: The number of concurrent packs.
  ///   - keeps: Whether there will be a backward pass.
  ///   - recomputes: Whether it recomputes each layer from its input.
  init(
    _ model: LanguageModel, _ adaptation: Adaptation, _ capacity: Capacity, threads: Int, keeps: Bool,
    recomputes: Bool = false
  ) {
    (self.model, self.capacity) = (model, capacity)
    (self.keeps, self.recomputes) = (keeps, recomputes)
    let shape = model.shape
    let layers = recomputes ? 0 : adaptation.layersAbove(in: shape)
    pool = LayerPool(layers: layers, threads: threads) {
      try LayerActivations(shape, adaptation, capacity)
    }
  }

  /// Lends `body` a workspace for a pack.
  func take<Result>(
    _ pack: Pack, _ adaptation: Adaptation, dropout: Dropout? = nil, _ body: (PackPass) throws -> Result
  ) throws -> Result {
    let work =
      try workspaces.take()
      ?? Workspace(
        model, adaptation, capacity, keeps: keeps, drops: dropout != nil, recomputes: recomputes, pool: pool)
    defer { workspaces.giveBack(work) }
    // Also after an error: other threads may be waiting for these activations.
    defer {
      work.turn(pack.place)
      work.leave(from: 0)
    }
    return try body(PackPass(model: model, adaptation: adaptation, pack: pack, work: work, dropout: dropout))
  }
}
