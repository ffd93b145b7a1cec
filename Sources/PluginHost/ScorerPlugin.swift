import CluesPluginABI
import Diagnostics

/// A scorer of a loaded library.
public struct ScorerPlugin: @unchecked Sendable {
  public let about: PluginDescription
  /// Whether it scores clients instead of samples.
  public let scoresClients: Bool
  // Static in a library that is never unloaded, and never written: this is why the type is Sendable.
  private let table: UnsafePointer<clues_scorer>

  init(_ table: UnsafePointer<clues_scorer>, in library: PluginIdentity) throws {
    let scorer = try sized(table, CLUES_SCORER_SIZE, "a scorer")
    about = try PluginDescription(scorer.about, kind: .scorer, in: library)
    guard [CLUES_SCORES_SAMPLES, CLUES_SCORES_CLIENTS].contains(scorer.granularity) else {
      throw Failure(
        .pluginFailed, "its scorer '\(about.id)' scores something that this host does not know",
        advice: "it may need a newer version of Clues")
    }
    scoresClients = scorer.granularity == CLUES_SCORES_CLIENTS
    let works =
      scoresClients
      ? scorer.score_clients != nil
      : scorer.begin_checkpoint != nil && scorer.end_checkpoint != nil && scorer.finish != nil
    guard scorer.create != nil, scorer.destroy != nil, scorer.needs != nil, works else {
      throw Failure(.pluginFailed, "its scorer '\(about.id)' lacks a function of the contract")
    }
    self.table = table
  }

  /// A new instance; it serves one client and one thread at a time.
  public func makeInstance(_ parameters: ParameterValues, services: HostServices) throws -> ScorerInstance {
    try ScorerInstance(table, about: about, parameters: parameters, services: services)
  }
}

/// What a scorer may ask for.
public struct Evidence: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let gradients = Evidence(rawValue: CLUES_EVIDENCE_GRADIENTS.rawValue)
  public static let moments = Evidence(rawValue: CLUES_EVIDENCE_MOMENTS.rawValue)
  public static let validationMeans = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_MEANS.rawValue)
  public static let validationSamples = Evidence(rawValue: CLUES_EVIDENCE_VALIDATION_SAMPLES.rawValue)
  public static let learningRate = Evidence(rawValue: CLUES_EVIDENCE_LEARNING_RATE.rawValue)
  public static let adapters = Evidence(rawValue: CLUES_EVIDENCE_ADAPTERS.rawValue)
}

/// One way to come by a score.
public struct ScorerNeeds: Sendable, Hashable {
  public let evidence: Evidence
  /// Names of columns; `dot.*` stands for one of each validation domain.
  public let columns: [String]
  /// How often the rows of each tensor are shown.
  public let passes: Int
  public let lastCheckpointOnly: Bool
}

/// A sample's score, or why it has none.
public enum Score: Sendable, Equatable {
  case value(Double)
  case unscored(String)

  public var value: Double? { if case .value(let value) = self { value } else { nil } }
}

/// Which part of the data a sample belongs to.
public enum Split: UInt32, Sendable {
  case train, anchor

  public var name: String { self == .train ? "train" : "anchor" }

  /// The split of this name.
  public init?(rawName: String) {
    guard let split = [Self.train, .anchor].first(where: { $0.name == rawName }) else { return nil }
    self = split
  }
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
  /// Of every domain, the norm of each validation gradient.
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

/// One LoRA parameter, as a scorer sees it. Pointers outlive the tensor.
public struct ScoringTensor {
  public var name: String
  public var index: Int
  public var elementCount: Int
  public var firstMoment: UnsafePointer<Float>?
  public var secondMoment: UnsafePointer<Float>?
  public var validationMeans: [UnsafePointer<Float>?] = []
  public var validationSamples: [UnsafePointer<Float>?] = []

  public init(name: String, index: Int, elementCount: Int) {
    self.name = name
    self.index = index
    self.elementCount = elementCount
  }
}

/// All adapters of all clients, for scorers of clients.
public struct ScoringCollection {
  public var clients: [String]
  public var anchors: [Bool]
  /// Of every adapter its client; ordered by client, then step.
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

/// A scorer at work on one client; used by one thread at a time.
public final class ScorerInstance {
  private let table: UnsafePointer<clues_scorer>
  private let instance: HostedInstance
  /// What the plugin may look at until the checkpoint, or the tensor, ends.
  private let checkpointArena = Arena()
  private let tensorArena = Arena()
  private var sampleCount = 0

  fileprivate init(
    _ table: UnsafePointer<clues_scorer>, about: PluginDescription, parameters: ParameterValues,
    services: HostServices
  ) throws {
    self.table = table
    instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
  }

  private var face: HostFace { instance.face }
  private var pointer: UnsafeMutableRawPointer? { instance.pointer }

  /// The ways to come by its scores, the best first.
  public func needs() throws -> [ScorerNeeds] {
    var alternatives: [ScorerNeeds] = []
    while true {
      var needs = clues_needs()
      needs.struct_size = CLUES_NEEDS_SIZE
      var isThere = true
      try face.call {
        let status = table.pointee.needs(pointer, UInt32(alternatives.count), &needs)
        isThere = status != CLUES_UNSUPPORTED
        return isThere ? status : CLUES_OK
      }
      guard isThere else { return alternatives }
      guard alternatives.count < 64 else { throw fault("lists more than 64 ways to come by its scores") }
      alternatives.append(try read(needs))
    }
  }

  private func read(_ needs: clues_needs) throws -> ScorerNeeds {
    guard [CLUES_CHECKPOINTS_ALL, CLUES_CHECKPOINTS_LAST].contains(needs.checkpoints) else {
      throw fault("wants checkpoints that this host does not know how to choose")
    }
    guard needs.column_count <= 4096, needs.column_count == 0 || needs.columns != nil else {
      throw fault("claims \(needs.column_count) columns that are not there")
    }
    return ScorerNeeds(
      evidence: Evidence(rawValue: needs.evidence),
      columns: try (0..<Int(needs.column_count)).map { place in
        guard let name = needs.columns[place] else { throw fault("does not name its column \(place)") }
        return String(cString: name)
      },
      passes: Int(needs.passes), lastCheckpointOnly: needs.checkpoints == CLUES_CHECKPOINTS_LAST)
  }

  private func fault(_ message: String) -> Failure { Failure(.pluginFailed, "plugin '\(face.plugin)' \(message)") }

  public func begin(_ checkpoint: ScoringCheckpoint) throws {
    checkpointArena.reset()
    sampleCount = checkpoint.ids.count
    let table = checkpoint.table(in: checkpointArena)
    try face.call { self.table.pointee.begin_checkpoint(pointer, table) }
  }

  public func begin(_ tensor: ScoringTensor) throws {
    tensorArena.reset()
    let table = tensor.table(in: tensorArena)
    try face.call { self.table.pointee.begin_tensor?(pointer, table) ?? CLUES_OK }
  }

  /// Shows the gradients of some samples: `rowCount` × the tensor's element count.
  public func update(pass: Int, firstSample: Int, rowCount: Int, values: UnsafePointer<Float>) throws {
    var rows = clues_gradient_rows()
    rows.struct_size = CLUES_GRADIENT_ROWS_SIZE
    rows.pass = UInt32(pass)
    rows.first_sample = UInt64(firstSample)
    rows.row_count = UInt64(rowCount)
    rows.values = values
    try face.call { table.pointee.update?(pointer, &rows) ?? CLUES_OK }
  }

  public func endTensor() throws { try face.call { table.pointee.end_tensor?(pointer) ?? CLUES_OK } }

  /// The scores at the checkpoint that was begun last.
  public func endCheckpoint() throws -> [Score] {
    try collect(sampleCount) { table.pointee.end_checkpoint(pointer, $0) }
  }

  /// The scores over all checkpoints.
  public func finish(_ checkpoints: [[Score]]) throws -> [Score] {
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      let tables = checkpoints.map { scores -> UnsafePointer<clues_scores>? in
        var table = clues_scores()
        table.struct_size = CLUES_SCORES_SIZE
        table.count = UInt64(scores.count)
        table.values = arena.writableArray(scores.map { $0.value ?? .nan })
        table.reasons = arena.writableArray(
          scores.map { score -> UnsafePointer<CChar>? in
            if case .unscored(let reason) = score { arena.text(reason) } else { nil }
          })
        return arena.value(table)
      }
      let list = arena.array(tables)
      return try collect(checkpoints.first?.count ?? 0) { scores in
        table.pointee.finish(pointer, UInt32(tables.count), list, scores)
      }
    }
  }

  /// The scores of clients.
  public func score(_ collection: ScoringCollection) throws -> [Score] {
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      let input = collection.table(in: arena)
      return try collect(collection.clients.count) { table.pointee.score_clients(pointer, input, $0) }
    }
  }

  /// Lends memory for `count` scores to `body` and reads what the plugin put there.
  private func collect(
    _ count: Int, _ body: (UnsafePointer<clues_scores>) -> clues_status
  ) throws -> [Score] {
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      var table = clues_scores()
      table.struct_size = CLUES_SCORES_SIZE
      table.count = UInt64(count)
      table.values = arena.writableArray([Double](repeating: .nan, count: count))
      table.reasons = arena.writableArray([UnsafePointer<CChar>?](repeating: nil, count: count))
      let place = arena.value(table)
      try face.call { body(place) }
      return (0..<count).map { sample in
        if let reason = table.reasons[sample] { return .unscored(String(cString: reason)) }
        let value = table.values[sample]
        return value.isFinite ? .value(value) : .unscored("the scorer gave \(value)")
      }
    }
  }
}

extension ScoringCheckpoint {
  fileprivate func table(in arena: Arena) -> UnsafePointer<clues_checkpoint> {
    var table = clues_checkpoint()
    table.struct_size = CLUES_CHECKPOINT_SIZE
    table.alternative = UInt32(alternative)
    table.client = arena.text(client)
    table.step = UInt64(step)
    table.index = UInt32(index)
    table.count = UInt32(count)
    table.learning_rate = learningRate
    table.beta1 = betas.0
    table.beta2 = betas.1
    table.epsilon = epsilon
    table.optimizer_step = optimizerStep
    table.sample_count = UInt64(ids.count)
    table.splits = arena.array(splits.map(\.rawValue))
    table.ids = arena.array(ids.map { Optional(arena.text($0)) })
    table.domain_count = UInt32(domains.count)
    table.own_domain = ownDomain.map { UInt32($0) } ?? .max
    table.domains = arena.array(domains.map { Optional(arena.text($0)) })
    // One entry a domain, whatever was asked for: the plugin counts on domain_count.
    let norms = domains.indices.map { validationNorms.indices.contains($0) ? validationNorms[$0] : [] }
    table.validation_counts = arena.array(norms.map { UInt64($0.count) })
    table.validation_norms = arena.array(norms.map { Optional(arena.array($0)) })
    table.tensor_count = UInt32(tensorCount)
    table.column_count = UInt32(columns.count)
    table.columns = arena.array(
      columns.map { column -> UnsafePointer<clues_column>? in
        var item = clues_column()
        item.struct_size = CLUES_COLUMN_SIZE
        item.name = arena.text(column.name)
        item.values = arena.array(column.values)
        return arena.value(item)
      })
    return arena.value(table)
  }
}

extension ScoringTensor {
  fileprivate func table(in arena: Arena) -> UnsafePointer<clues_gradient_tensor> {
    var table = clues_gradient_tensor()
    table.struct_size = CLUES_GRADIENT_TENSOR_SIZE
    table.index = UInt32(index)
    table.name = arena.text(name)
    table.element_count = UInt64(elementCount)
    table.first_moment = firstMoment
    table.second_moment = secondMoment
    table.validation_means = validationMeans.isEmpty ? nil : arena.array(validationMeans)
    table.validation_samples = validationSamples.isEmpty ? nil : arena.array(validationSamples)
    return arena.value(table)
  }
}

extension ScoringCollection {
  fileprivate func table(in arena: Arena) -> UnsafePointer<clues_collection> {
    var table = clues_collection()
    table.struct_size = CLUES_COLLECTION_SIZE
    table.client_count = UInt32(clients.count)
    table.clients = arena.array(clients.map { Optional(arena.text($0)) })
    table.anchors = arena.array(anchors.map { $0 ? UInt32(1) : 0 })
    table.adapter_count = UInt32(owners.count)
    table.owners = arena.array(owners.map { UInt32($0) })
    table.steps = arena.array(steps.map { UInt64($0) })
    table.inner_products = arena.array(innerProducts)
    return arena.value(table)
  }
}
