import Models

/// The memory in which packs go through a model, kept from one pack to the next.
final class Passes: Sendable {
  private let model: LanguageModel
  private let capacity: Capacity
  private let keeps: Bool
  private let pool: LayerPool
  private let workspaces = FreeWorkspaces<Workspace>()

  /// - parameters:
  ///   - adaptation: Any of the ranks and places of those that will be worked with.
  ///   - threads: How many packs are under way at once.
  ///   - keeps: Whether there will be a backward pass.
  init(_ model: LanguageModel, _ adaptation: Adaptation, _ capacity: Capacity, threads: Int, keeps: Bool) {
    (self.model, self.capacity, self.keeps) = (model, capacity, keeps)
    let shape = model.shape
    pool = LayerPool(layers: shape.layerCount - min(adaptation.lowest ?? 0, shape.layerCount), threads: threads) {
      try LayerActivations(shape, adaptation, capacity)
    }
  }

  /// Lends `body` a workspace for a pack.
  func take<Result>(
    _ pack: Pack, _ adaptation: Adaptation, dropout: Dropout? = nil, _ body: (PackPass) throws -> Result
  ) throws -> Result {
    let work =
      try workspaces.take()
      ?? Workspace(model, adaptation, capacity, keeps: keeps, drops: dropout != nil, pool: pool)
    defer { workspaces.giveBack(work) }
    // In any case, other threads may be waiting for what is held here.
    defer {
      work.turn(pack.place)
      work.leave(from: 0)
    }
    return try body(PackPass(model: model, adaptation: adaptation, pack: pack, work: work, dropout: dropout))
  }
}
