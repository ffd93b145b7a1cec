import CKernels
import Models

extension PackPass {
  /// From the gradient of the last hidden states, in `work.gradient`, to the lowest adapted layer.
  ///
  /// - parameter emit: Receives the gradients of each portion, module by module.
  func backward(_ portions: [Pack.Portion], _ emit: (ModuleGradient) throws -> Void) throws {
    guard let lowest = adaptation.lowest else { return }
    for layer in (lowest..<shape.layerCount).reversed() {
      if work.restoreInput(of: layer, pack.panels) { try forward(layer, again: true) }
      let end = layer == lowest ? adaptation.lowestStage(of: layer) ?? .attention : nil
      let step = LayerBackward(pass: self, layer: layer, end: end, portions: portions)
      try step.run(emit)
      work.leave(from: layer)
    }
  }
}

/// The backward pass through one layer.
private struct LayerBackward {
  let pass: PackPass
  let layer: Int
  /// The lowest stage whose adapted layers need a gradient, below which nothing is needed; nil for all stages.
  let end: Stage?
  let portions: [Pack.Portion]

  private var work: Workspace { pass.work }
  private var pack: Pack { pass.pack }
  private var saved: LayerActivations { work[layer] }
  private var block: LanguageModel.Layer { pass.model.layers[layer] }
  private var isLast: Bool { layer == pass.shape.layerCount - 1 }
  private var behind: Int { pass.panelsBehind(layer) }

  func run(_ emit: (ModuleGradient) throws -> Void) throws {
    let gradient = work.gradient
    // The feed-forward part.
    let inner = work.wideGradient
    if end == .down {
      try adapt(.down, input: nil, into: nil, emit)
      return
    }
    try work.products.multiplyTransposed(block.down.weight, gradient, into: inner, behind)
    try adapt(.down, input: nil, into: inner, emit)
    clues_gate_back(
      saved.gate.start, saved.up.start, inner.start, work.wide.start, behind * inner.stride)
    if end == .feedForward {
      try adapt(.feedForward, input: nil, into: nil, emit)
      return
    }
    let normed = work.normedGradient
    try work.products.multiplyTransposed(block.gate.weight, inner, into: normed, behind)
    try work.products.multiplyTransposed(block.up.weight, work.wide, into: normed, behind, adds: true)
    try adapt(.feedForward, input: nil, into: normed, emit)
    back(saved.middle, block.feedForwardNorm, saved.middleScale, behind)

    // Attention.
    if end == .output {
      try adapt(.output, input: saved.attended, into: nil, emit)
      return
    }
    let attended = work.attendedGradient
    if isLast {
      let some = work.predicting.prefix(attended.features)
      try work.products.multiplyTransposed(block.output.weight, gradient, into: some, behind)
      try adapt(.output, input: saved.attended, into: some, emit)
      attended.clear(pack.panels)
      attended.scatter(some, to: pack.predicting)
      let residual = work.predicting.prefix(gradient.features)
      residual.copy(gradient, behind)
      gradient.clear(pack.panels)
      gradient.scatter(residual, to: pack.predicting)
    } else {
      try work.products.multiplyTransposed(block.output.weight, gradient, into: attended, behind)
      try adapt(.output, input: saved.attended, into: attended, emit)
    }
    attend(attended)
    if end == .attention {
      try adapt(.attention, input: nil, into: nil, emit)
      return
    }
    try work.products.multiplyTransposed(block.query.weight, work.queryGradient, into: normed, pack.panels)
    try work.products.multiplyTransposed(block.key.weight, work.keyGradient, into: normed, pack.panels, adds: true)
    try work.products.multiplyTransposed(block.value.weight, work.valueGradient, into: normed, pack.panels, adds: true)
    try adapt(.attention, input: nil, into: normed, emit)
    back(saved.input, block.inputNorm, saved.inputScale, pack.panels)
  }

  /// From the gradient of a norm's output to that of its input x, added to the residual stream's.
  private func back(_ x: Panels, _ weights: [Float], _ scale: FloatBlock, _ panels: Int) {
    let (normed, gradient) = (work.normedGradient, work.gradient)
    clues_normalize_back(
      x.start, x.stride, weights, x.features, 1, scale.start, normed.start, normed.stride, gradient.start,
      gradient.stride, panels, 1)
  }

  /// From the gradient of attention's output to those of queries, keys and values as output by their layers.
  private func attend(_ gradient: Panels) {
    let (shape, query, key) = (pass.shape, work.queryGradient, work.keyGradient)
    let (rotatedQuery, rotatedKey) = pass.rotated(layer, again: true)
    for range in pack.ranges {
      pass.forEachHead(layer, range, rotatedQuery, rotatedKey) { attention, head, rows in
        let keyRows = head / (shape.headCount / shape.keyValueHeadCount) * shape.headWidth
        withUnsafePointer(to: attention) {
          clues_attend_back(
            $0, gradient.row(rows), saved.attentionSums.start + 2 * head * pass.sumsStride, pass.sumsStride,
            query.row(rows), key.row(keyRows), work.valueGradient.row(keyRows), work.attentionRoom.start)
        }
      }
    }
    for (gradient, x, weights, scale, heads) in [
      (query, saved.query, block.queryNorm, saved.queryScale, shape.headCount),
      (key, saved.key, block.keyNorm, saved.keyScale, shape.keyValueHeadCount),
    ] {
      pass.rotate(gradient, heads: heads, backwards: true)
      guard let weights, let scale else { continue }
      clues_normalize_back(
        x.start, x.stride, weights, shape.headWidth, heads, scale.start, gradient.start, gradient.stride,
        gradient.start,
        gradient.stride, pack.panels, 0)
    }
  }

  /// The gradient at the output of a layer.
  private func arriving(_ role: LinearRole) -> Panels {
    switch role {
    case .query: work.queryGradient
    case .key: work.keyGradient
    case .value: work.valueGradient
    case .output, .down: work.gradient
    case .gate: work.wideGradient
    case .up: work.wide
    }
  }

  /// The input of a stage's layers, recomputed if it was not stored.
  private func input(of stage: Stage) -> Panels {
    let shape = pass.shape
    switch stage {
    case .attention:
      clues_normalize_again(
        saved.input.start, saved.input.stride, block.inputNorm, shape.width, 1, saved.inputScale.start,
        work.normed.start,
        work.normed.stride, pack.panels)
      return work.normed
    case .output: return saved.attended ?? work.attended
    case .feedForward:
      clues_normalize_again(
        saved.middle.start, saved.middle.stride, block.feedForwardNorm, shape.width, 1, saved.middleScale.start,
        work.normed.start, work.normed.stride, behind)
      return work.normed
    case .down:
      pass.gate(layer)
      return work.wide
    }
  }

  /// The gradients of a stage's factors, and their contribution to the gradient of its input.
  ///
  ///     dh = (s·B)ᵀ dY      dA = dh xᵀ      dB = dY (s·h)ᵀ      dx += Aᵀ dh
  private func adapt(
    _ stage: Stage, input known: Panels?, into target: Panels?, _ emit: (ModuleGradient) throws -> Void
  ) throws {
    guard let group = pass.adaptation.group(layer, stage), let reduced = saved.reduced[stage] else { return }
    let panels = stage == .attention ? pack.panels : behind
    let down = work.reducedGradient.prefix(group.rank)
    for member in group.members {
      work.products.multiplyTransposed(
        member.scaledB, rows: member.module.rank, depth: member.module.outputs, arriving(member.module.role),
        into: down,
        at: member.first, panels, adds: false)
    }
    let x = known ?? input(of: stage)
    // After the last layer's attention there are only tokens that predict labels.
    let onlyPredicting = stage != .attention && isLast
    if pass.dropout != nil {
      for member in group.members {
        let dropped = work.dropped.prefix(group.inputs)
        pass.drop(x, into: dropped, of: member.module, panels)
        for portion in portions {
          let range = onlyPredicting ? portion.predicting : portion.range
          try emit(gradient(member, dropped, reduced.prefix(group.rank), down, range, sample: portion.sample))
        }
        guard let target else { continue }
        group.withA(of: member) {
          work.products.multiplyTransposed(
            $0, rows: group.inputs, depth: member.module.rank, down, from: member.first, into: dropped, panels,
            adds: false)
        }
        pass.drop(dropped, into: dropped, of: member.module, panels)
        target.add(dropped, panels)
      }
      return
    }
    for portion in portions {
      let range = onlyPredicting ? portion.predicting : portion.range
      for member in group.members {
        try emit(gradient(member, x, reduced.prefix(group.rank), down, range, sample: portion.sample))
      }
    }
    guard let target else { return }
    work.products.multiplyTransposed(
      group.a, rows: group.inputs, depth: group.rank, down, into: target, panels, adds: true)
  }

  private func gradient(
    _ member: LoRAGroup.Member, _ x: Panels, _ reduced: Panels, _ down: Panels, _ range: Range<Int>, sample: Int
  ) -> ModuleGradient {
    let module = member.module
    let columns = (module.rank + 15) / 16 * 16
    let (sums, a, b) = (work.gradients[0].start, work.gradients[1].start, work.gradients[2].start)
    down.turn(range, features: member.rows, times: 1, into: work.turned.start, width: columns)
    clues_sum_over_tokens(
      x.start, x.stride, module.inputs, range.lowerBound, range.upperBound, work.turned.start, columns, sums)
    for input in 0..<module.inputs {
      for row in 0..<module.rank { a[row * module.inputs + input] = sums[input * columns + row] }
    }
    reduced.turn(range, features: member.rows, times: member.scaling, into: work.turned.start, width: columns)
    let dy = arriving(module.role)
    clues_sum_over_tokens(
      dy.start, dy.stride, module.outputs, range.lowerBound, range.upperBound, work.turned.start, columns, sums)
    for output in 0..<module.outputs {
      for column in 0..<module.rank { b[output * module.rank + column] = sums[output * columns + column] }
    }
    return ModuleGradient(
      sample: sample, pack: pack.place, module: module,
      a: UnsafeBufferPointer(start: a, count: module.rank * module.inputs),
      b: UnsafeBufferPointer(start: b, count: module.outputs * module.rank))
  }
}
