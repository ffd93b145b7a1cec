import Adapters
import Bundles
import Diagnostics
import PluginHost
import Tensors

/// What is known about a client's samples at one checkpoint.
package struct CheckpointEvidence: Sendable {
  package let step: Int
  package let client: String
  package let samples: [ClientEvidence.ScoredSample]
  package let gradients: GradientEvidence?
  package let learningRate: Double?
  let learningRateNote: String?
  private let hasTrainerState: Bool
  /// The optimizer's file, read when moments are needed.
  private let optimizer: BundleFile?
  private let otherOptimizers: [String]
  /// The ledger's columns, in the order of the samples.
  private let columns: [String: [Double?]]
  private let ledger: Ledger.Checkpoint?
  /// The index of every sample in the ledger.
  private let places: [Int?]

  package init(
    step: Int, client: String, samples: [ClientEvidence.ScoredSample], files: Checkpoint?, gradients: GradientEvidence?,
    ledger: Ledger.Checkpoint?, places: [SampleKey: Int]?
  ) throws {
    self.step = step
    self.client = client
    self.samples = samples
    self.gradients = gradients
    self.ledger = ledger
    optimizer = files?.optimizer
    otherOptimizers = files?.otherOptimizers ?? []
    let places = samples.map { places?[SampleKey($0)] }
    self.places = places
    columns = (ledger?.columns ?? [:]).mapValues { values in places.map { $0.flatMap { values[$0] } } }
    let trainer = try files?.trainerState.flatMap { file in
      try locating(client: client, file: file.name) {
        let state = try TrainerState(file.bytes(), limits: file.limits)
        guard state.step == step else {
          throw Failure(
            .badData, "is from step \(state.step), but is in the checkpoint of step \(step)",
            advice: "hand in the trainer_state.json of the same checkpoint")
        }
        return state
      }
    }
    hasTrainerState = trainer != nil
    if let rate = ledger?.learningRate {
      (learningRate, learningRateNote) = (rate, rate == 0 ? "checkpoint \(step): \(LearningRate.zeroNote)" : nil)
    } else if let rate = trainer.flatMap({ LearningRate(log: $0) }) {
      (learningRate, learningRateNote) = (rate.mean, rate.note.map { "checkpoint \(step): \($0)" })
    } else if let optimizer = files?.optimizer, optimizer.isRead {
      let rate = try locating(client: client, file: optimizer.name) {
        try LearningRate(optimizer: OptimizerState(optimizer.bytes(), limits: optimizer.limits))
      }
      (learningRate, learningRateNote) = (rate.mean, rate.note.map { "checkpoint \(step): \($0)" })
    } else {
      (learningRate, learningRateNote) = (nil, nil)
    }
  }

  /// What is missing for `needs`, in words; empty if nothing is.
  ///
  /// - parameter domains: All domains of the client; evidence for each is required.
  package func missing(for needs: ScorerNeeds, domains: [String]) -> [String] {
    var missing: [String] = []
    if needs.evidence.contains(.gradients), gradients == nil { missing.append("gradients/train.safetensors") }
    if !needs.evidence.isDisjoint(with: [.validationMeans, .validationSamples]) {
      let due = domains.isEmpty ? ["<domain>"] : domains
      missing += due.filter { gradients?.validation[$0] == nil }.map { "gradients/validation.\($0).safetensors" }
    }
    if needs.evidence.contains(.moments), optimizer == nil {
      let others =
        otherOptimizers.isEmpty ? "" : " (there is \(otherOptimizers.joined(separator: ", ")), which cannot be read)"
      missing.append("optimizer.pt" + others)
    }
    if needs.evidence.contains(.learningRate), learningRate == nil {
      missing.append(
        hasTrainerState
          ? "a learning rate in the log_history of trainer_state.json" : "trainer_state.json with its log_history")
    }
    for column in needs.columns {
      let due = column.hasSuffix(".*") && !domains.isEmpty ? domains.map { column.dropLast() + $0 } : [column]
      missing += due.filter { names(matching: $0).isEmpty }.map { "'\($0)' in ledger.jsonl" }
    }
    return missing
  }

  /// Adds what a way needs besides gradients. Columns are in the order of the samples, NaN if there is no value.
  func describe(_ checkpoint: inout ScoringCheckpoint, for needs: ScorerNeeds) throws {
    checkpoint.columns = try needs.columns.flatMap { names(matching: $0) }.map { name in
      (name, try columns[name]?.map { $0 ?? .nan } ?? measured(name))
    }
    if needs.evidence.contains(.learningRate) { checkpoint.learningRate = learningRate ?? .nan }
  }

  /// A column of the gradient files.
  ///
  /// - throws: ``Failure`` `badData` for an impossible number.
  private func measured(_ name: String) throws -> [Double] {
    let values = try gradients?.column(name) ?? []
    for (sample, value) in zip(samples, values) {
      let file = gradients?.scored.first { $0.split == sample.split }?.file
      try locating(file: file, tensor: name) {
        try Measure.check(value, column: name, of: "of the \(sample.split.name) sample '\(sample.id)'")
      }
    }
    return values
  }

  /// The file of the moments.
  var momentsFile: String? { optimizer?.name }

  /// Why a sample has no value in one of the columns, if that is so.
  package func reason(sample: Int, columns needs: ScorerNeeds) -> String? {
    guard let ledger else { return nil }
    for name in needs.columns.flatMap({ names(matching: $0) }) where columns[name].map({ $0[sample] == nil }) ?? false {
      guard let place = places[sample] else { return "not in the ledger" }
      return ledger.reason(column: name, sample: place)
    }
    return nil
  }

  /// Adam's moments of every LoRA parameter, and the settings with which all of them were trained.
  package func moments() throws -> (moments: [String: OptimizerState.Moments], group: OptimizerState.Group?) {
    guard let optimizer, let gradients else { return ([:], nil) }
    return try locating(client: client, file: optimizer.name) {
      let state = try OptimizerState(optimizer.bytes(), limits: optimizer.limits)
      let moments = try state.moments(for: gradients.parameters)
      let groups = gradients.parameters.compactMap { moments[$0.name]?.group }
      // Scorers support only one β1, β2 and ε.
      let settings = Set(groups.map { [$0.beta1, $0.beta2, $0.epsilon] })
      guard settings.count <= 1 else {
        throw Failure(
          .badData, "has LoRA parameters in groups of different betas or eps",
          advice: "train them with the same values, or hand in a ledger")
      }
      return (moments, groups.first)
    }
  }

  /// The column names for a need: `dot.*` means one for each domain.
  private func names(matching column: String) -> [String] {
    if column.hasSuffix(".*") { return columns.keys.filter { $0.hasPrefix(column.dropLast()) }.sorted() }
    if columns[column] != nil { return [column] }
    let isInGradients =
      ["loss", "tokens"].contains(column)
      && gradients.map { $0.scored.allSatisfy { $0.stream.shape(of: column) != nil } } ?? false
    return isInGradients ? [column] : []
  }
}
