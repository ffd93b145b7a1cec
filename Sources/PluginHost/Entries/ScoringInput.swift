import CluesPluginABI

/// What a scorer may request.
public struct Evidence: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let gradients = Evidence(rawValue: CLUES_EVIDENCE_GRADIENTS.rawValue)
  public static let moments = Evidence(rawValue: CLUES_EVIDENCE_MOMENTS.rawValue)
  public static let validationMeans = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_MEANS.rawValue)
  public static let validationSamples = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_SAMPLES.rawValue)
  public static let learningRate = Evidence(rawValue: CLUES_EVIDENCE_LEARNING_RATE.rawValue)
  public static let adapters = Evidence(rawValue: CLUES_EVIDENCE_ADAPTERS.rawValue)

  /// All kinds that this host knows.
  public static let all: Evidence = [
    .gradients, .moments, .validationMeans, .validationSamples, .learningRate, .adapters,
  ]
}

/// One client at one checkpoint, as a scorer sees it. Pointers outlive the checkpoint.
public struct ScoringCheckpoint {
  public var alternative: Int
  public var client: String
  public var step: Int
  public var index: Int
  public var count: Int
  public var learningRate = Double.nan
  public var betas = (Double.nan, Double.nan)
  public var epsilon = Double.nan
  public var optimizerStep = Double.nan
  public var splits: [Split]
  public var ids: [String]
  public var domains: [String] = []
  public var ownDomain: Int?
  /// For every domain, the norm of each validation gradient.
  public var validationNorms: [[Double]] = []
  public var tensorCount = 0
  public var columns: [(name: String, values: [Double])] = []

  public init(
    alternative: Int, client: String, step: Int, index: Int, count: Int, splits: [Split], ids: [String]
  ) {
    self.alternative = alternative
    self.client = client
    self.step = step
    self.index = index
    self.count = count
    self.splits = splits
    self.ids = ids
  }
}

extension ScoringCheckpoint {
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_checkpoint> {
    var table = empty(clues_checkpoint.self)
    table.alternative = UInt32(alternative)
    table.client = memory.text(client)
    table.step = UInt64(step)
    table.index = UInt32(index)
    table.count = UInt32(count)
    table.learning_rate = learningRate
    table.beta1 = betas.0
    table.beta2 = betas.1
    table.epsilon = epsilon
    table.optimizer_step = optimizerStep
    table.sample_count = UInt64(ids.count)
    table.splits = memory.array("the splits", splits.map(\.rawValue))
    table.ids = memory.texts("the samples' ids", ids)
    table.domain_count = UInt32(domains.count)
    table.own_domain = ownDomain.map { UInt32($0) } ?? .max
    table.domains = memory.texts("the domains", domains)
    // One entry per domain, whatever was requested: the plugin relies on domain_count.
    let norms = domains.indices.map { validationNorms.indices.contains($0) ? validationNorms[$0] : [] }
    table.validation_counts = memory.array("the counts", norms.map { UInt64($0.count) })
    table.validation_norms = memory.list(
      "the validation norms", norms.map { memory.array("validation norms", $0) })
    table.tensor_count = UInt32(tensorCount)
    table.column_count = UInt32(columns.count)
    table.columns = memory.list(
      "the list of columns",
      columns.map { column in
        var item = empty(clues_column.self)
        item.name = memory.text(column.name)
        item.values = memory.array("column \(column.name)", column.values)
        return memory.table("a column", item)
      })
    return memory.table("the checkpoint", table)
  }
}

/// One LoRA parameter, as a scorer sees it. Pointers outlive the tensor.
public struct ScoringTensor {
  public var name: String
  public var index: Int
  public var elementCount: Int
  public var firstMoment: UnsafePointer<Float>?
  public var secondMoment: UnsafePointer<Float>?
  public var validationMeans: [UnsafePointer<Float>?] = []
  public var validationSamples: [Samples] = []

  /// The validation gradients of a domain, each of the tensor's element count.
  public struct Samples {
    public var count: Int
    public var values: UnsafePointer<Float>?

    public init(count: Int, values: UnsafePointer<Float>?) {
      self.count = count
      self.values = values
    }
  }

  public init(name: String, index: Int, elementCount: Int) {
    self.name = name
    self.index = index
    self.elementCount = elementCount
  }
}

extension ScoringTensor {
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_gradient_tensor> {
    var table = empty(clues_gradient_tensor.self)
    table.index = UInt32(index)
    table.name = memory.text(name)
    table.element_count = UInt64(elementCount)
    table.first_moment = memory.floats(firstMoment, count: elementCount)
    table.second_moment = memory.floats(secondMoment, count: elementCount)
    table.validation_means = memory.optionalArray(
      "the validation means", validationMeans.map { memory.floats($0, count: elementCount) })
    table.validation_samples = memory.optionalArray(
      "the validation samples", validationSamples.map { memory.floats($0.values, count: $0.count * elementCount) })
    return memory.table("the tensor", table)
  }
}

/// The gradients of consecutive samples with respect to the current tensor.
package struct ScoringRows {
  var pass: Int
  var firstSample: Int
  var count: Int
  var elementCount: Int
  var values: UnsafePointer<Float>

  package init(pass: Int, firstSample: Int, count: Int, elementCount: Int, values: UnsafePointer<Float>) {
    (self.pass, self.firstSample, self.count) = (pass, firstSample, count)
    (self.elementCount, self.values) = (elementCount, values)
  }

  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_gradient_rows> {
    var table = empty(clues_gradient_rows.self)
    table.pass = UInt32(pass)
    table.first_sample = UInt64(firstSample)
    table.row_count = UInt64(count)
    table.values = memory.floats(values, count: count * elementCount)
    return memory.table("the rows", table)
  }
}

/// All adapters of all clients, for scorers of clients.
public struct ScoringCollection {
  public var clients: [String]
  public var anchors: [Bool]
  /// The client of every adapter; ordered by client, then step.
  public var owners: [Int]
  public var steps: [Int]
  /// <ΔW_i, ΔW_j> over all modules, row-major.
  public var innerProducts: [Double]

  public init(clients: [String], anchors: [Bool], owners: [Int], steps: [Int], innerProducts: [Double]) {
    self.clients = clients
    self.anchors = anchors
    self.owners = owners
    self.steps = steps
    self.innerProducts = innerProducts
  }
}

extension ScoringCollection {
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_collection> {
    var table = empty(clues_collection.self)
    table.client_count = UInt32(clients.count)
    table.clients = memory.texts("the clients", clients)
    table.anchors = memory.array("the anchors", anchors.map { $0 ? UInt32(1) : 0 })
    table.adapter_count = UInt32(owners.count)
    table.owners = memory.array("the owners", owners.map { UInt32($0) })
    table.steps = memory.array("the steps", steps.map { UInt64($0) })
    table.inner_products = memory.array("the inner products", innerProducts)
    return memory.table("the collection", table)
  }
}
