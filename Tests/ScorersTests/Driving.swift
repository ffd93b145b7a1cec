import Diagnostics
import JSON
import PluginHost
import Synchronization
import TestSupport

/// The scores that a plugin gave.
struct Outcome {
  var checkpoints: [[Score]] = []
  var scores: [Score] = []
  var log: [String] = []

  var values: [Double?] { scores.map(\.value) }
}

/// What is handed to a scorer.
enum Kind { case gradients, ledger }

/// Scores through the plugin library, the way a run does it.
///
/// - throws: what the plugin throws; ``NotToBeHad`` when none of its ways to a score goes with this kind of evidence.
func score(
  _ id: String, _ evidence: [Evidence], _ parameters: [String: JSONValue] = [:], from kind: Kind = .gradients,
  block: Int = 5, ledger change: (inout [String: [Double]]) -> Void = { _ in }
) throws -> Outcome {
  let lines = Mutex<[String]>([])
  let services = HostServices(log: { _, _, text in lines.withLock { $0.append(text) } })
  let plugin = try builtInCatalog().scorer(id)
  let values = try ParameterValues(parameters, schema: plugin.about.parameters, of: id)
  let scorer = try plugin.makeInstance(values, services: services)
  let ways = try scorer.needs()
  let ledgers = evidence.map { evidence in
    var columns = kind == .ledger ? evidence.ledger : ["tokens": evidence.tokens, "loss": evidence.losses]
    change(&columns)
    return columns
  }
  let given: PluginHost.Evidence =
    kind == .ledger ? [.learningRate] : [.gradients, .moments, .validationMeans, .validationSamples, .learningRate]
  let way = ways.firstIndex { needs in
    given.isSuperset(of: needs.evidence)
      && needs.columns.allSatisfy { column in ledgers[0].keys.contains { isMatch($0, column) } }
  }
  guard let way else { throw NotToBeHad(ways: ways) }
  var outcome = Outcome()
  let used = Array(zip(evidence, ledgers).suffix(ways[way].lastCheckpointOnly ? 1 : evidence.count))
  for (index, (evidence, ledger)) in used.enumerated() {
    var checkpoint = ScoringCheckpoint(
      alternative: way, client: evidence.client, step: evidence.step, index: index, count: used.count,
      splits: evidence.splits.map { Split(rawValue: $0)! }, ids: evidence.ids)
    checkpoint.learningRate = ways[way].evidence.contains(.learningRate) ? evidence.learningRate : .nan
    checkpoint.domains = evidence.domains
    checkpoint.ownDomain = evidence.ownDomain
    if ways[way].evidence.contains(.moments) {
      (checkpoint.betas, checkpoint.epsilon) = (evidence.betas, evidence.epsilon)
      checkpoint.optimizerStep = evidence.optimizerStep
    }
    checkpoint.validationNorms = evidence.domains.indices.map { domain in
      (0..<evidence.validationCounts[domain]).map { norm(evidence.validationGradient($0, of: domain)) }
    }
    checkpoint.columns = ledger.filter { name, _ in ways[way].columns.contains { isMatch(name, $0) } }
      .map { ($0.key, $0.value) }
    try scorer.begin(checkpoint)
    if ways[way].evidence.contains(.gradients) {
      try show(evidence, to: scorer, passes: ways[way].passes, block: block)
    }
    outcome.checkpoints.append(try scorer.endCheckpoint())
  }
  outcome.scores = try scorer.finish(outcome.checkpoints)
  outcome.log = lines.withLock { $0 }
  return outcome
}

private func isMatch(_ name: String, _ pattern: String) -> Bool {
  pattern.hasSuffix(".*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
}

/// Evidence of this kind does not give the score.
struct NotToBeHad: Error { let ways: [ScorerNeeds] }

private func show(_ evidence: Evidence, to scorer: ScorerInstance, passes: Int, block: Int) throws {
  for (place, name) in evidence.tensorNames.enumerated() {
    let width = evidence.elementCount(place)
    var tensor = ScoringTensor(name: name, index: place, elementCount: width)
    let means = evidence.domains.indices.map { domain -> [Float] in
      let all = evidence.validation[domain][place]
      let count = evidence.validationCounts[domain]
      return (0..<width).map { element in
        Float((0..<count).reduce(0.0) { $0 + Double(all[$1 * width + element]) } / Double(count))
      }
    }
    // The plugin is lent memory that stays where it is.
    let lent = (means + evidence.validation.map { $0[place] } + [evidence.first[place], evidence.second[place]]).map {
      values in
      let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
      _ = copy.initialize(from: values)
      return copy
    }
    defer { for copy in lent { copy.deallocate() } }
    let domains = evidence.domains.count
    tensor.validationMeans = lent[..<domains].map { UnsafePointer($0.baseAddress!) }
    tensor.validationSamples = zip(evidence.validationCounts, lent[domains..<2 * domains]).map {
      .init(count: $0, values: UnsafePointer($1.baseAddress!))
    }
    tensor.firstMoment = UnsafePointer(lent[2 * domains].baseAddress!)
    tensor.secondMoment = UnsafePointer(lent[2 * domains + 1].baseAddress!)
    try scorer.begin(tensor)
    for pass in 0..<passes {
      for start in stride(from: 0, to: evidence.sampleCount, by: block) {
        let count = min(block, evidence.sampleCount - start)
        try evidence.gradients[place].withUnsafeBufferPointer {
          try scorer.update(
            pass: pass, firstSample: start, rowCount: count, values: $0.baseAddress! + start * width)
        }
      }
    }
    try scorer.endTensor()
  }
}

/// Whether all samples have scores, and these are the expected ones to within a share of the largest.
func agree(_ scores: [Score], _ expected: [Double], within share: Double) -> Bool {
  let scale = expected.map { abs($0) }.max() ?? 0
  return scores.count == expected.count && scale > 0
    && zip(scores, expected).allSatisfy { score, expected in
      score.value.map { abs($0 - expected) <= share * scale } ?? false
    }
}
