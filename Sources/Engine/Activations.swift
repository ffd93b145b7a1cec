import CKernels
import Models

/// The capacity that one thread needs.
struct Capacity {
  /// For a pack: all its tokens, and those that predict labels.
  var panels: Int
  var predictingPanels: Int
  var longestSample: Int
}

/// What the forward pass stores of one layer for the backward pass; everything else is recomputed.
final class LayerActivations {
  /// The input, and 1/rms.
  let input: Panels
  let inputScale: FloatBlock
  /// Queries and keys before their own norms if there are any, otherwise rotated.
  let query, key, value: Panels
  let queryScale, keyScale: FloatBlock?
  /// For each head of queries, the largest logit of each token, and the inverse of the sum.
  let attentionSums: FloatBlock
  /// The output of attention, if o_proj is adapted.
  let attended: Panels?
  /// The residual stream between attention and the feed-forward part, and 1/rms.
  let middle: Panels
  let middleScale: FloatBlock
  let gate, up: Panels
  /// A·x of each adapted stage.
  let reduced: [Stage: Panels]

  private let blocks: [FloatBlock]

  /// The size of its panels, which is nearly all.
  var byteCount: Int { blocks.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride } }

  /// Room for any layer of the model.
  init(_ shape: ModelShape, _ adaptation: Adaptation, _ capacity: Capacity) throws {
    var blocks: [FloatBlock] = []
    func panels(_ features: Int, _ count: Int) throws -> Panels {
      blocks.append(try FloatBlock(count, features, Panels.width))
      return Panels(start: blocks[blocks.count - 1].start, features: features)
    }
    let all = capacity.panels
    input = try panels(shape.width, all)
    inputScale = try FloatBlock(all, Panels.width)
    query = try panels(shape.headCount * shape.headWidth, all)
    key = try panels(shape.keyValueHeadCount * shape.headWidth, all)
    value = try panels(shape.keyValueHeadCount * shape.headWidth, all)
    queryScale = shape.normsHeads ? try FloatBlock(all, shape.headCount, Panels.width) : nil
    keyScale = shape.normsHeads ? try FloatBlock(all, shape.keyValueHeadCount, Panels.width) : nil
    attentionSums = try FloatBlock(2, shape.headCount, all, Panels.width)
    attended = adaptation.mostRank(of: .output) == 0 ? nil : try panels(shape.headCount * shape.headWidth, all)
    middle = try panels(shape.width, all)
    middleScale = try FloatBlock(all, Panels.width)
    gate = try panels(shape.feedForwardWidth, all)
    up = try panels(shape.feedForwardWidth, all)
    var reduced: [Stage: Panels] = [:]
    for stage in Stage.allCases {
      let rank = adaptation.mostRank(of: stage)
      if rank > 0 { reduced[stage] = try panels(rank, all) }
    }
    self.reduced = reduced
    self.blocks = blocks
  }
}

/// One thread's working memory: the layers' activations, and buffers that are only used within a step.
final class Workspace {
  let capacity: Capacity
  /// By layer, as far as the pack is; all below the lowest adapted layer share one, or all layers if they are recomputed.
  private var layers: [LayerActivations?]
  private let passing: LayerActivations?
  /// The inputs of the layers that are recomputed in the backward pass, from the lowest adapted one on.
  private let inputs: [Panels]
  private let lowest: Int
  private let pool: LayerPool
  let products: Products

  /// The output of the last layer, for tokens that predict labels.
  let final: Panels
  let finalScale: FloatBlock
  let normed: Panels
  /// The gradient with respect to the residual stream, and to its normed value.
  let gradient, normedGradient: Panels
  let queryGradient, keyGradient, valueGradient: Panels
  let attended, attendedGradient: Panels
  let rotatedQuery, rotatedKey: Panels?
  let wide, wideGradient: Panels
  /// Tokens that predict labels, between the last layer's attention and what follows.
  let predicting: Panels
  let reducedGradient: Panels
  let cosines, sines: FloatBlock
  let attentionRoom: FloatBlock
  let logits: FloatBlock
  let turned: FloatBlock
  let gradients: [FloatBlock]
  /// The input of an adapted layer after dropout; without features if there is none.
  let dropped: Panels

  private let blocks: [FloatBlock]

  /// - parameters:
  ///   - keeps: Whether there will be a backward pass.
  ///   - drops: Whether there will be dropout.
  ///   - recomputes: Whether the backward pass recomputes each layer from its input.
  ///   - pool: Provides the activations of layers that are not recomputed.
  init(
    _ model: LanguageModel, _ adaptation: Adaptation, _ capacity: Capacity, keeps: Bool, drops: Bool = false,
    recomputes: Bool = false, pool: LayerPool
  ) throws {
    let shape = model.shape
    self.capacity = capacity
    var blocks: [FloatBlock] = []
    func panels(_ features: Int, _ count: Int) throws -> Panels {
      blocks.append(try FloatBlock(count, features, Panels.width))
      return Panels(start: blocks[blocks.count - 1].start, features: features)
    }
    let widest =
      model.layers.flatMap { block in LinearRole.allCases.map { $0.layer(of: block).weight } }
      + [model.embeddings, model.head]
    products = try Products(widest: widest.filter(\.needsScratch).map(\.columnCount).max() ?? 0)

    self.pool = pool
    let lowestKept = keeps ? adaptation.lowest ?? shape.layerCount : shape.layerCount
    lowest = recomputes ? shape.layerCount : lowestKept
    inputs = try (recomputes ? lowestKept..<shape.layerCount : 0..<0).map { _ in
      try panels(shape.width, capacity.panels)
    }
    passing = lowest > 0 ? try LayerActivations(shape, adaptation, capacity) : nil
    layers = Array(repeating: nil, count: shape.layerCount)
    let (all, some) = (capacity.panels, capacity.predictingPanels)
    final = try panels(shape.width, some)
    finalScale = try FloatBlock(some, Panels.width)
    normed = try panels(shape.width, all)
    let queries = shape.headCount * shape.headWidth
    let keys = shape.keyValueHeadCount * shape.headWidth
    attended = try panels(queries, all)
    wide = try panels(shape.feedForwardWidth, all)
    rotatedQuery = shape.normsHeads ? try panels(queries, all) : nil
    rotatedKey = shape.normsHeads ? try panels(keys, all) : nil
    let back = keeps ? all : 0
    gradient = try panels(shape.width, back)
    normedGradient = try panels(shape.width, max(back, some))
    predicting = try panels(max(shape.width, queries), some)
    queryGradient = try panels(queries, back)
    keyGradient = try panels(keys, back)
    valueGradient = try panels(keys, back)
    attendedGradient = try panels(queries, back)
    wideGradient = try panels(shape.feedForwardWidth, back)
    reducedGradient = try panels(max(adaptation.mostRank, 1), back)
    cosines = try FloatBlock(all, max(shape.headWidth / 2, 1), Panels.width)
    sines = try FloatBlock(all, max(shape.headWidth / 2, 1), Panels.width)
    attentionRoom = try FloatBlock(clues_room_for_attention(capacity.longestSample, shape.headWidth))
    logits = try FloatBlock(some, HeadPass.blockRows, Panels.width)
    let columns = (adaptation.mostRank + 15) / 16 * 16
    turned = try FloatBlock(keeps ? all : 0, Panels.width, columns)
    let modules = keeps ? adaptation.modules : []
    let (inputs, outputs) = (modules.map(\.inputs).max() ?? 0, modules.map(\.outputs).max() ?? 0)
    let rank = modules.map(\.rank).max() ?? 0
    dropped = try panels(drops ? adaptation.modules.map(\.inputs).max() ?? 0 : 0, all)
    gradients = [
      try FloatBlock(max(inputs, outputs), columns), try FloatBlock(inputs, rank), try FloatBlock(outputs, rank),
    ]
    self.blocks = blocks
  }
  /// The activations of a layer that the pack has entered but not left.
  subscript(layer: Int) -> LayerActivations {
    guard let activations = layers[layer] else { preconditionFailure("a layer is worked on before it is entered") }
    return activations
  }

  /// Starts a pack.
  func begin(_ pack: Int) { pool.begin(pack) }

  /// Stores the input of a layer that the backward pass recomputes.
  func keepInput(of layer: Int, _ panels: Int) { keptInput(of: layer)?.copy(self[layer].input, panels) }

  /// Restores the input of a layer.
  ///
  /// - returns: Whether it was stored, so that the layer has to be recomputed.
  func restoreInput(of layer: Int, _ panels: Int) -> Bool {
    guard let input = keptInput(of: layer) else { return false }
    self[layer].input.copy(input, panels)
    return true
  }

  private func keptInput(of layer: Int) -> Panels? {
    let place = layer - (layers.count - inputs.count)
    return place >= 0 && !inputs.isEmpty ? inputs[place] : nil
  }

  /// Enters a layer in the forward pass; may have to wait for packs in their backward pass.
  func enter(_ layer: Int, pack: Int) throws {
    layers[layer] = layer < lowest ? passing : try pool.take(for: pack)
  }

  /// Ends the forward pass of a pack.
  func turn(_ pack: Int) { pool.turn(pack) }

  /// Releases the layer and all above it.
  func leave(from layer: Int) {
    let own = layers[layer...].indices.filter { $0 >= lowest }.compactMap { layers[$0] }
    for place in layers[layer...].indices { layers[place] = nil }
    pool.giveBack(own)
  }
}
