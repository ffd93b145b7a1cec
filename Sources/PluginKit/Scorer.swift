/// A function from a client's evidence to one number per sample, higher is better.
///
/// An instance serves one client. For every checkpoint in step order the host calls ``begin(_:)-(Checkpoint)``, passes the
/// tensors that it needs, and asks for its ``scores()``; finally ``combine(_:)`` makes one score per sample of them.
public protocol Scorer: PluginEntry {
  /// What it needs, the best way first. The host uses the first way for which all clients have the evidence.
  var needs: [Needs] { get }

  /// Whether all ways give the same scores: then the host uses for each client the first way for which this client has the
  /// evidence. False by default.
  static var alternativesAgree: Bool { get }

  mutating func begin(_ checkpoint: Checkpoint) throws

  /// The next LoRA parameter; only for scorers that need gradients.
  mutating func begin(_ tensor: GradientTensor) throws

  /// The gradients of some samples with respect to the current parameter.
  mutating func update(_ rows: GradientRows) throws

  mutating func endTensor() throws

  /// One score per sample, at this checkpoint.
  mutating func scores() throws -> [Score]

  /// One score per sample over all checkpoints, given those at each; their mean by default.
  func combine(_ checkpoints: [[Score]]) throws -> [Score]
}

extension Scorer {
  public static var alternativesAgree: Bool { false }
  public mutating func begin(_ tensor: GradientTensor) throws {}
  public mutating func update(_ rows: GradientRows) throws {}
  public mutating func endTensor() throws {}
  public func combine(_ checkpoints: [[Score]]) throws -> [Score] { mean(of: checkpoints) }

  /// The mean of each sample's scores; unscored if it is unscored at one checkpoint.
  public func mean(of checkpoints: [[Score]]) -> [Score] {
    guard let first = checkpoints.first else { return [] }
    return first.indices.map { sample in
      var sum = 0.0
      for checkpoint in checkpoints {
        guard case .value(let value) = checkpoint[sample] else { return checkpoint[sample] }
        sum += value
      }
      return .value(sum / Double(checkpoints.count))
    }
  }
}

/// A function from all clients' adapters to one number per client, higher is better.
public protocol ClientScorer: PluginEntry {
  func scores(_ adapters: AdapterCollection) throws -> [Score]
}

/// A sample's score, or why it has none.
public enum Score: Equatable {
  case value(Double)
  case unscored(String)
}

/// One way to compute scores.
public struct Needs {
  public var evidence: Evidence
  public var columns: [String]
  public var passes: Int
  public var checkpoints: Checkpoints

  /// Which of a client's checkpoints are scored.
  public enum Checkpoints: CaseIterable, Sendable { case all, last }

  /// - parameters:
  ///   - evidence: What is needed besides columns.
  ///   - columns: Columns such as `loss`; `dot.*` means one for each validation domain.
  ///   - passes: How often the rows of each tensor are passed.
  ///   - checkpoints: Whether all checkpoints are scored or only the last one.
  public init(
    _ evidence: Evidence = [], columns: [String] = [], passes: Int = 0, checkpoints: Checkpoints = .all
  ) {
    self.evidence = evidence
    self.columns = columns
    self.passes = evidence.contains(.gradients) ? max(1, passes) : passes
    self.checkpoints = checkpoints
  }
}

extension Needs.Checkpoints: CCounterpart {
  var cValue: clues_checkpoint_choice {
    switch self {
    case .all: CLUES_CHECKPOINTS_ALL
    case .last: CLUES_CHECKPOINTS_LAST
    }
  }
}

/// What a scorer may request besides columns.
public struct Evidence: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The raw gradient of every sample, in blocks of rows.
  public static let gradients = Evidence(rawValue: CLUES_EVIDENCE_GRADIENTS.rawValue)

  /// The client's Adam moments at the checkpoint.
  public static let moments = Evidence(rawValue: CLUES_EVIDENCE_MOMENTS.rawValue)

  /// The mean raw validation gradient of every domain.
  public static let validationMeans = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_MEANS.rawValue)

  /// Every validation gradient.
  public static let validationSamples = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_SAMPLES.rawValue)

  /// The mean logged learning rate of the last epoch.
  public static let learningRate = Evidence(rawValue: CLUES_EVIDENCE_LEARNING_RATE.rawValue)

  /// Inner products of all checkpoints' deltas, for scorers of clients.
  public static let adapters = Evidence(rawValue: CLUES_EVIDENCE_ADAPTERS.rawValue)
}

/// The purpose of a scored sample.
public enum SampleSplit: CaseIterable, Sendable { case train, anchor }

extension SampleSplit: CCounterpart {
  var cValue: clues_split {
    switch self {
    case .train: CLUES_SPLIT_TRAIN
    case .anchor: CLUES_SPLIT_ANCHOR
    }
  }

  /// The splits for `values`.
  static func known(_ values: UnsafePointer<UInt32>?, count: Int) throws -> [SampleSplit] {
    try UnsafeBufferPointer(start: values, count: count).map {
      try SampleSplit(known: clues_split(rawValue: $0), "split")
    }
  }
}

/// One client at one checkpoint; valid until its scores are returned.
public struct Checkpoint {
  /// Which of the scorer's needs are met.
  public let alternative: Int
  public let client: String
  public let step: Int
  /// The index of this checkpoint among those that are scored, and their number.
  public let index: Int
  public let count: Int
  public let sampleCount: Int
  public let splits: [SampleSplit]
  public let domains: [String]
  /// The index of the client's own domain in ``domains``, if a validation set has this domain.
  public let ownDomain: Int?
  public let learningRate: Double
  public let betas: (Double, Double)
  public let epsilon: Double
  public let optimizerStep: Double
  /// The number of validation samples in each domain, and the norms of their gradients.
  public let validationNorms: [[Double]]
  public let tensorCount: Int
  /// For the log, cancellation and random numbers.
  public let host: Host
  private let columns: [String: UnsafeBufferPointer<Double>]
  private let identifiers: UnsafePointer<UnsafePointer<CChar>?>

  /// The samples' ids, in the order of all other columns.
  public var ids: [String] { (0..<sampleCount).map { String(cString: identifiers[$0]!) } }

  /// One number per sample, NaN if missing; nil without such a column.
  public func column(_ name: String) -> UnsafeBufferPointer<Double>? { columns[name] }

  init(_ table: clues_checkpoint, host: Host) throws {
    self.host = host
    identifiers = table.ids
    alternative = Int(table.alternative)
    client = String(cString: table.client)
    step = Int(table.step)
    index = Int(table.index)
    count = Int(table.count)
    sampleCount = Int(table.sample_count)
    splits = try SampleSplit.known(table.splits, count: Int(table.sample_count))
    domains = (0..<Int(table.domain_count)).map { String(cString: table.domains[$0]!) }
    ownDomain = table.own_domain == UInt32.max ? nil : Int(table.own_domain)
    learningRate = table.learning_rate
    betas = (table.beta1, table.beta2)
    epsilon = table.epsilon
    optimizerStep = table.optimizer_step
    validationNorms = (0..<Int(table.domain_count)).map { domain in
      guard let norms = table.validation_norms?[domain], let counts = table.validation_counts else { return [] }
      return Array(UnsafeBufferPointer(start: norms, count: Int(counts[domain])))
    }
    tensorCount = Int(table.tensor_count)
    columns = (0..<Int(table.column_count)).reduce(into: [:]) { columns, place in
      guard let column = table.columns[place]?.pointee else { return }
      columns[String(cString: column.name)] = UnsafeBufferPointer(start: column.values, count: Int(table.sample_count))
    }
  }
}

/// One LoRA parameter, elements flattened row-major; valid until the tensor ends.
public struct GradientTensor {
  public let name: String
  public let elementCount: Int
  private let table: clues_gradient_tensor

  /// Adam's first moment, if the scorer needs moments.
  public var firstMoment: UnsafeBufferPointer<Float> { .init(start: table.first_moment, count: elementCount) }

  /// Adam's second moment.
  public var secondMoment: UnsafeBufferPointer<Float> { .init(start: table.second_moment, count: elementCount) }

  /// The mean raw validation gradient of a domain.
  public func validationMean(_ domain: Int) -> UnsafeBufferPointer<Float> {
    .init(start: table.validation_means?[domain], count: elementCount)
  }

  /// The raw gradient of one validation sample of a domain.
  public func validationSample(_ sample: Int, of domain: Int) -> UnsafeBufferPointer<Float> {
    .init(start: table.validation_samples?[domain].map { $0 + sample * elementCount }, count: elementCount)
  }

  init(_ table: clues_gradient_tensor) {
    self.table = table
    name = String(cString: table.name)
    elementCount = Int(table.element_count)
  }
}

/// The gradients of consecutive samples with respect to the current parameter; valid during the call.
public struct GradientRows {
  public let pass: Int
  public let samples: Range<Int>
  private let values: UnsafePointer<Float>
  private let elementCount: Int

  /// The gradient of a sample, indexed as in ``samples``.
  public subscript(sample: Int) -> UnsafeBufferPointer<Float> {
    .init(start: values + (sample - samples.lowerBound) * elementCount, count: elementCount)
  }

  init(_ table: clues_gradient_rows, elementCount: Int) {
    pass = Int(table.pass)
    samples = Int(table.first_sample)..<Int(table.first_sample + table.row_count)
    values = table.values
    self.elementCount = elementCount
  }
}

/// All adapters of all clients; valid during the call.
public struct AdapterCollection {
  public let clients: [String]
  /// Whether a client was trained on anchor data.
  public let anchors: [Bool]
  /// The client of every adapter, indexed as in ``clients``; ordered by client, then step.
  public let owners: [Int]
  public let steps: [Int]
  private let products: UnsafePointer<Double>

  /// <ΔW_i, ΔW_j> over all modules, adapters indexed as in ``owners``.
  public func innerProduct(_ i: Int, _ j: Int) -> Double { products[i * owners.count + j] }

  init(_ table: clues_collection) {
    clients = (0..<Int(table.client_count)).map { String(cString: table.clients[$0]!) }
    anchors = clients.indices.map { table.anchors[$0] != 0 }
    owners = (0..<Int(table.adapter_count)).map { Int(table.owners[$0]) }
    steps = owners.indices.map { Int(table.steps[$0]) }
    products = table.inner_products
  }
}
