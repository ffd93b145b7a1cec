import Models

/// Tokens that continue cached ones, and what they predict.
struct KeptStep {
  let cache: KeyValueCache
  let tokens: ArraySlice<Int32>
  /// The indices in `tokens` that predict labels, and these labels.
  var predicting: [Int] = []
  var labels: [Int32] = []
}

extension Pack {
  /// The steps of several texts, concatenated.
  init(_ steps: [KeptStep]) {
    var (ranges, predictingRanges): ([Range<Int>], [Range<Int>]) = ([], [])
    var (tokens, labels): ([Int32], [Int32]) = ([], [])
    var (positions, predicting): ([Int], [Int]) = ([], [])
    for step in steps {
      let start = tokens.count
      ranges.append(start..<start + step.tokens.count)
      predictingRanges.append(predicting.count..<predicting.count + step.predicting.count)
      tokens += step.tokens
      positions += step.cache.count..<step.cache.count + step.tokens.count
      predicting += step.predicting.map { start + $0 }
      labels += step.labels
    }
    samples = Array(steps.indices)
    (self.ranges, self.predictingRanges) = (ranges, predictingRanges)
    (self.tokens, self.labels) = (tokens, labels)
    (self.positions, self.predicting) = (positions, predicting)
  }
}

/// One thread's passes through the model with tokens that continue cached ones.
final class KeptPasses {
  private let engine: Engine
  private let work: Workspace
  private let most: Int

  /// - parameters:
  ///   - most: The maximum number of tokens of a pass.
  ///   - longest: The maximum number of tokens of a text.
  init(_ engine: Engine, most: Int, longest: Int) throws {
    (self.engine, self.most) = (engine, most)
    let panels = Panels.count(of: most)
    let capacity = Capacity(panels: panels, predictingPanels: panels, longestSample: max(longest, most))
    let (shape, adaptation) = (engine.model.shape, engine.adaptation)
    let pool = LayerPool(layers: 0, threads: 1) { try LayerActivations(shape, adaptation, capacity) }
    work = try Workspace(engine.model, adaptation, capacity, keeps: false, pool: pool)
  }

  /// Caches `tokens`, as many per pass as there is room for, without computing predictions.
  func keep(_ tokens: ArraySlice<Int32>, in cache: KeyValueCache) throws {
    var rest = tokens
    while !rest.isEmpty {
      _ = try forward([KeptStep(cache: cache, tokens: rest.prefix(most))])
      rest = rest.dropFirst(most)
    }
  }

  /// The mean loss of each step over its labels; NaN without labels.
  func losses(_ steps: [KeptStep]) throws -> [Double] { try HeadPass(pass: forward(steps)).losses(keeps: false) }

  /// The likeliest next token at each predicting index; nil if the logits are not finite.
  func likeliest(_ steps: [KeptStep]) throws -> [Int32?] { try forward(steps).likeliest() }

  private func forward(_ steps: [KeptStep]) throws -> PackPass {
    let pass = PackPass(
      model: engine.model, adaptation: engine.adaptation, pack: Pack(steps), work: work,
      kept: KeptAttention(caches: steps.map(\.cache)))
    precondition(pass.pack.tokens.count <= most, "a step has no more tokens than there is room for")
    defer { work.leave(from: 0) }
    try pass.forward()
    for step in steps { step.cache.advance(by: step.tokens.count) }
    return pass
  }
}

extension PackPass {
  /// The next token with the largest logit for each predicting token, the first of equal ones.
  func likeliest() throws -> [Int32?] {
    let panels = pack.predictingPanels
    normalize(work.final, model.finalNorm, into: work.normed, scale: work.finalScale, panels)
    var best = [(logit: Float, word: Int32)](repeating: (-.infinity, 0), count: pack.predicting.count)
    var areFinite = [Bool](repeating: true, count: best.count)
    for words in blocks(model.head.rowCount, HeadPass.blockRows) {
      let logits = Panels(start: work.logits.start, features: words.count)
      try work.products.withRows(words, of: model.head) {
        work.products.multiply(
          $0, rows: words.count, depth: shape.width, work.normed, into: logits, panels, adds: false)
      }
      for place in best.indices {
        let column = logits.token(place)
        for word in 0..<words.count {
          let logit = column[word * Panels.width]
          if logit > best[place].logit { best[place] = (logit, Int32(words.lowerBound + word)) }
          if !logit.isFinite { areFinite[place] = false }
        }
      }
    }
    return zip(best, areFinite).map { $1 ? $0.word : nil }
  }
}
