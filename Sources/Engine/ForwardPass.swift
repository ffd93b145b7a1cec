import CKernels
import Diagnostics
import Glibc
import Models

/// One pack going through the model, in a thread's own workspace.
struct PackPass {
  let model: LanguageModel
  let adaptation: Adaptation
  let pack: Pack
  let work: Workspace
  var dropout: Dropout?

  /// The cached tokens before those of the pack; nil if its samples start from the beginning.
  var kept: KeptAttention?

  var shape: ModelShape { model.shape }
  private var lastLayer: Int { shape.layerCount - 1 }

  /// The number of panels of tokens after the attention of a layer.
  func panelsBehind(_ layer: Int) -> Int { layer == lastLayer ? pack.predictingPanels : pack.panels }

  /// From the tokens to the last hidden states of those that predict labels.
  func forward() throws {
    work.begin(pack.place)
    try work.enter(0, pack: pack.place)
    try embed()
    setAngles()
    for layer in 0..<shape.layerCount {
      work.keepInput(of: layer, pack.panels)
      try forward(layer)
    }
    work.turn(pack.place)
  }

  private func embed() throws {
    let input = work[0].input
    input.start.update(repeating: 0, count: pack.panels * input.stride)
    for (place, token) in pack.tokens.enumerated() {
      let to = input.token(place)
      try work.products.withRows(Int(token)..<Int(token) + 1, of: model.embeddings) { row in
        for feature in 0..<shape.width { to[feature * Panels.width] = row[feature] }
      }
    }
  }

  /// The angles as in PyTorch: a product in float32, of which sine and cosine are rounded once.
  private func setAngles() {
    let half = shape.headWidth / 2
    let rotation = shape.rotation
    for (place, position) in pack.positions.enumerated() {
      let start = place / Panels.width * half * Panels.width + place % Panels.width
      for pair in 0..<half {
        let angle = Double(Float(position) * rotation.frequencies[pair])
        work.cosines.start[start + pair * Panels.width] = Float(cos(angle)) * rotation.scale
        work.sines.start[start + pair * Panels.width] = Float(sin(angle)) * rotation.scale
      }
    }
  }

  /// - parameter again: Whether only what the backward pass needs of the layer is to be recomputed.
  func forward(_ layer: Int, again: Bool = false) throws {
    let (block, saved, panels) = (model.layers[layer], work[layer], pack.panels)
    normalize(saved.input, block.inputNorm, into: work.normed, scale: saved.inputScale, panels)
    reduce(work.normed, layer, .attention, panels)
    try apply(.query, layer, work.normed, into: saved.query, panels)
    try apply(.key, layer, work.normed, into: saved.key, panels)
    try apply(.value, layer, work.normed, into: saved.value, panels)
    let (query, key) = rotated(layer, again: false)
    kept?.attend(self, layer, query, key)
    for range in kept == nil ? pack.ranges : [] {
      forEachHead(layer, range, query, key) { attention, head, rows in
        withUnsafePointer(to: attention) {
          clues_attend(
            $0, work.attended.row(rows), saved.attentionSums.start + 2 * head * sumsStride, sumsStride,
            work.attentionRoom.start)
        }
      }
    }
    let attended: Panels
    if layer == lastLayer {
      saved.middle.gather(pack.predicting, of: saved.input)
      attended = saved.attended ?? work.predicting.prefix(work.attended.features)
      attended.gather(pack.predicting, of: work.attended)
    } else {
      saved.middle.copy(saved.input, panels)
      attended = saved.attended ?? work.attended
      if saved.attended != nil { attended.copy(work.attended, panels) }
    }
    let behind = panelsBehind(layer)
    reduce(attended, layer, .output, behind)
    try apply(.output, layer, attended, into: saved.middle, behind, adds: true)
    normalize(saved.middle, block.feedForwardNorm, into: work.normed, scale: saved.middleScale, behind)
    reduce(work.normed, layer, .feedForward, behind)
    try apply(.gate, layer, work.normed, into: saved.gate, behind)
    try apply(.up, layer, work.normed, into: saved.up, behind)
    gate(layer)
    if again { return reduce(work.wide, layer, .down, behind) }
    if layer < lastLayer { try work.enter(layer + 1, pack: pack.place) }
    let output = layer == lastLayer ? work.final : work[layer + 1].input
    output.copy(saved.middle, behind)
    reduce(work.wide, layer, .down, behind)
    try apply(.down, layer, work.wide, into: output, behind, adds: true)
  }

  /// silu(gate) · up, into `work.wide`.
  func gate(_ layer: Int) {
    let saved = work[layer]
    clues_gate(
      saved.gate.start, saved.up.start, work.wide.start, panelsBehind(layer) * saved.gate.stride)
  }

  func normalize(_ x: Panels, _ weights: [Float], into y: Panels, scale: FloatBlock, _ panels: Int) {
    clues_normalize(
      x.start, x.stride, weights, x.features, 1, shape.normEpsilon, scale.start, y.start, y.stride, panels)
  }

  /// A·x of an adapted stage.
  private func reduce(_ x: Panels, _ layer: Int, _ stage: Stage, _ panels: Int) {
    guard let group = adaptation.group(layer, stage), let reduced = work[layer].reduced[stage] else { return }
    let own = reduced.prefix(group.rank)
    guard dropout != nil else {
      return work.products.multiply(group.a, rows: group.rank, depth: group.inputs, x, into: own, panels, adds: false)
    }
    let dropped = work.dropped.prefix(group.inputs)
    for member in group.members {
      drop(x, into: dropped, of: member.module, panels)
      group.withA(of: member) {
        work.products.multiply(
          $0, rows: member.module.rank, depth: group.inputs, dropped, into: own, at: member.first, panels, adds: false)
      }
    }
  }

  /// y = W x + b + s·B·A x, or y += this.
  private func apply(
    _ role: LinearRole, _ layer: Int, _ x: Panels, into y: Panels, _ panels: Int, adds: Bool = false
  ) throws {
    let linear = role.layer(of: model.layers[layer])
    try work.products.multiply(linear.weight, x, into: y, panels, adds: adds)
    if let bias = linear.bias { clues_add_bias(bias, y.start, y.stride, y.features, panels) }
    guard let group = adaptation.group(layer, role.stage), let reduced = work[layer].reduced[role.stage],
      let member = group.members.first(where: { $0.module.role == role })
    else { return }
    work.products.multiply(
      member.scaledB, rows: member.module.outputs, depth: member.module.rank, reduced.prefix(group.rank),
      from: member.first, into: y, panels, adds: true)
  }

  var sumsStride: Int { work.capacity.panels * Panels.width }

  /// Queries and keys as used by attention: normed if the model has such norms, and rotated.
  ///
  /// - parameter again: Whether the forward pass is done, so that the stored values are rotated, and the scales are known.
  func rotated(_ layer: Int, again: Bool) -> (query: Panels, key: Panels) {
    let (block, saved, panels) = (model.layers[layer], work[layer], pack.panels)
    guard shape.normsHeads, let query = work.rotatedQuery, let key = work.rotatedKey else {
      if !again {
        rotate(saved.query, heads: shape.headCount, backwards: false)
        rotate(saved.key, heads: shape.keyValueHeadCount, backwards: false)
      }
      return (saved.query, saved.key)
    }
    for (from, to, weights, scale, heads) in [
      (saved.query, query, block.queryNorm, saved.queryScale, shape.headCount),
      (saved.key, key, block.keyNorm, saved.keyScale, shape.keyValueHeadCount),
    ] {
      guard let weights, let scale else { preconditionFailure("heads that are normed have weights for it") }
      if again {
        clues_normalize_again(
          from.start, from.stride, weights, shape.headWidth, heads, scale.start, to.start, to.stride, panels)
      } else {
        clues_normalize(
          from.start, from.stride, weights, shape.headWidth, heads, shape.normEpsilon, scale.start, to.start, to.stride,
          panels)
      }
      rotate(to, heads: heads, backwards: false)
    }
    return (query, key)
  }

  func rotate(_ x: Panels, heads: Int, backwards: Bool) {
    clues_rotate(
      x.start, x.stride, heads, shape.headWidth, work.cosines.start, work.sines.start, pack.panels, backwards ? 1 : 0)
  }

  /// Visits the heads of keys with the heads of queries that share them; `rows` is the start of the first of these.
  func forEachHead(
    _ layer: Int, _ range: Range<Int>, _ query: Panels, _ key: Panels,
    _ body: (_ attention: clues_attention, _ queryHead: Int, _ rows: Int) -> Void
  ) {
    let (value, width) = (work[layer].value, shape.headWidth)
    let heads = shape.headCount / shape.keyValueHeadCount
    for head in 0..<shape.keyValueHeadCount {
      let attention = clues_attention(
        head_width: width, heads: heads, first: range.lowerBound, end: range.upperBound,
        window: shape.windows[layer] ?? 0, scale: 1 / Float(width).squareRoot(),
        queries: query.row(head * heads * width), query_stride: query.stride, keys: key.row(head * width),
        values: value.row(head * width), key_stride: key.stride)
      body(attention, head * heads, head * heads * width)
    }
  }
}
