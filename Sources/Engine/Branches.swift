import Diagnostics
import Models
import Threads

extension Engine {
  /// The losses of samples with a common beginning, such as the answers to one question, which goes through the model once.
  /// They are those of ``losses(of:)`` except for rounding.
  ///
  /// ``packEnded`` is called with the index of each group. No group depends on the others or on the number of threads.
  package func losses(ofBranches groups: [[EncodedSample]]) throws -> [[SampleLoss]] {
    let branches = groups.map { Branches($0, fault: fault) }
    let most = max(packTokens, branches.map(\.longest).max() ?? 0)
    let longest = groups.joined().map(\.tokens.count).max() ?? 0
    let workspaces = FreeWorkspaces<KeptPasses>()
    return try inParallel(groups.count, threads: threads) { place in
      let passes = try workspaces.take() ?? KeptPasses(self, most: most, longest: longest)
      defer { workspaces.giveBack(passes) }
      let losses = try branches[place].losses(passes, model.shape, most: most)
      try packEnded([place])
      return losses
    }
  }
}

/// Samples with a common beginning.
private struct Branches {
  private let samples: [EncodedSample]
  private let faults: [String?]

  /// The number of common leading tokens, none of which predicts a label.
  private let shared: Int

  init(_ samples: [EncodedSample], fault: (EncodedSample) -> String?) {
    self.samples = samples
    faults = samples.map(fault)
    let whole = zip(samples, faults).filter { $1 == nil }.map(\.0)
    var shared = whole.compactMap { $0.learned.first.map { $0 - 1 } }.min() ?? 0
    for sample in whole.dropFirst() {
      shared = min(shared, zip(sample.tokens, whole[0].tokens).prefix { $0 == $1 }.count)
    }
    self.shared = shared
  }

  private func count(_ sample: EncodedSample) -> Int { (sample.learned.last ?? 0) - shared }

  /// The number of tokens of the longest branch.
  var longest: Int { zip(samples, faults).map { $1 == nil ? count($0) : 0 }.max() ?? 0 }

  func losses(_ passes: KeptPasses, _ shape: ModelShape, most: Int) throws -> [SampleLoss] {
    try Interruption.check()
    var results = faults.map { SampleLoss.unmeasured(reason: $0 ?? "") }
    guard let first = faults.firstIndex(of: nil) else { return results }
    let trunk = try KeyValueCache(shape, capacity: shared)
    try passes.keep(samples[first].tokens[..<shared], in: trunk)
    var steps: [(place: Int, step: KeptStep)] = []
    func measure() throws {
      for ((place, step), loss) in zip(steps, try passes.losses(steps.map(\.step))) {
        results[place] =
          loss.isFinite
          ? .measured(loss: loss, tokens: step.labels.count) : .unmeasured(reason: "its loss is \(loss)")
      }
      steps = []
    }
    for (place, sample) in samples.enumerated() where faults[place] == nil {
      let learned = sample.learned
      let step = KeptStep(
        cache: try trunk.branch(capacity: shared + count(sample)),
        tokens: sample.tokens[shared..<shared + count(sample)], predicting: learned.map { $0 - 1 - shared },
        labels: learned.map { sample.labels[$0] })
      if steps.reduce(step.tokens.count, { $0 + $1.step.tokens.count }) > most { try measure() }
      steps.append((place, step))
    }
    try measure()
    return results
  }
}
