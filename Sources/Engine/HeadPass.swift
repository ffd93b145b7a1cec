import CKernels
import Glibc
import Models

/// From the last hidden states to losses, and back.
///
/// Goes through the vocabulary once, some words at a time: their logits, the softmax so far, and with it the gradient, which
/// is rescaled whenever there is a new largest logit. The logits of the whole vocabulary are never in memory.
struct HeadPass {
  let pass: PackPass

  /// The number of words at a time.
  static let blockRows = Int(CLUES_BLOCK_ROWS)

  private var pack: Pack { pass.pack }
  private var work: Workspace { pass.work }

  /// The mean loss of each sample over its labels; with `keeps` the gradient of the last hidden states, into
  /// `work.gradient`: that of the mean, or if `labels` is given, of the sum divided by it.
  func losses(keeps: Bool, labels: Int? = nil) throws -> [Double] {
    let (shape, panels) = (pass.shape, pack.predictingPanels)
    pass.normalize(work.final, pass.model.finalNorm, into: work.normed, scale: work.finalScale, panels)
    var states = self.states()
    let sums = work.normedGradient
    if keeps { sums.clear(panels) }
    let head = pass.model.head
    for words in blocks(head.rowCount, Self.blockRows) {
      let logits = Panels(start: work.logits.start, features: words.count)
      try work.products.withRows(words, of: head) { rows in
        work.products.multiply(
          rows, rows: words.count, depth: shape.width, work.normed, into: logits, panels, adds: false)
        for panel in 0..<panels {
          clues_take_logits(
            &states[panel], logits.start + panel * logits.stride, words.lowerBound, words.count,
            keeps ? sums.start + panel * sums.stride : nil, shape.width)
        }
        guard keeps else { return }
        work.products.multiplyTransposed(
          rows, rows: shape.width, depth: words.count, logits, into: sums, panels, adds: true)
      }
    }
    if keeps { try finish(states, sums, labels) }
    return pack.predictingRanges.map { range in
      range.reduce(0) { $0 + loss(of: $1, states) } / Double(range.count)
    }
  }

  private func states() -> [clues_softmax] {
    var states = Array(repeating: clues_softmax(), count: pack.predictingPanels)
    for panel in states.indices {
      withUnsafeMutablePointer(to: &states[panel]) { state in
        lanes(&state.pointee.largest, Float.self).update(repeating: -.infinity)
        let targets = lanes(&state.pointee.target, Int32.self)
        for lane in 0..<Panels.width {
          let place = panel * Panels.width + lane
          targets[lane] = place < pack.labels.count ? pack.labels[place] : -1
        }
      }
    }
    return states
  }

  private func loss(of place: Int, _ states: [clues_softmax]) -> Double {
    let lane = place % Panels.width
    return withUnsafePointer(to: states[place / Panels.width]) { state in
      log(element(state.pointee.sum, lane)) + Double(element(state.pointee.largest, lane) as Float)
        - Double(element(state.pointee.target_logit, lane) as Float)
    }
  }

  /// Computes the gradient from the weighted sums of words: (Σ softmax · word − the label's word) / labels, through the norm.
  private func finish(_ states: [clues_softmax], _ sums: Panels, _ labels: Int?) throws {
    let width = pass.shape.width
    for range in pack.predictingRanges {
      let share = 1 / Float(labels ?? range.count)
      for place in range {
        let to = sums.token(place)
        let sum: Double = element(states[place / Panels.width].sum, place % Panels.width)
        let inverse = Float(1 / sum) * share
        let label = Int(pack.labels[place])
        try work.products.withRows(label..<label + 1, of: pass.model.head) { word in
          for feature in 0..<width {
            to[feature * Panels.width] = to[feature * Panels.width] * inverse - word[feature] * share
          }
        }
      }
    }
    for place in pack.predicting.count..<pack.predictingPanels * Panels.width {
      let to = sums.token(place)
      for feature in 0..<width { to[feature * Panels.width] = 0 }
    }
    let (final, gradient) = (work.final, work.gradient)
    clues_normalize_back(
      final.start, final.stride, pass.model.finalNorm, width, 1, work.finalScale.start, sums.start, sums.stride,
      gradient.start, gradient.stride, pack.predictingPanels, 0)
  }
}

/// A C array, which Swift sees as a tuple.
private func lanes<Tuple, Element>(_ tuple: inout Tuple, _: Element.Type) -> UnsafeMutableBufferPointer<Element> {
  withUnsafeMutableBytes(of: &tuple) { $0.bindMemory(to: Element.self) }
}

private func element<Tuple, Element>(_ tuple: Tuple, _ place: Int) -> Element {
  withUnsafeBytes(of: tuple) { $0.load(fromByteOffset: place * MemoryLayout<Element>.stride, as: Element.self) }
}
