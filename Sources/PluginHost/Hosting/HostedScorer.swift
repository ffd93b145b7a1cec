import CluesPluginABI
import Diagnostics

/// An instance of a scorer in this process.
final class HostedScorer: ScorerInstance {
  private let table: UnsafePointer<clues_scorer>
  private let instance: HostedInstance
  /// What the plugin may read until the checkpoint, or the tensor, ends.
  private let checkpointArena = Arena()
  private let tensorArena = Arena()
  private var sampleCount = 0
  /// The current client, for errors.
  private var client: String?
  private var tensor: String?

  init(
    _ table: UnsafePointer<clues_scorer>, about: PluginDescription, parameters: ParameterValues,
    services: HostServices
  ) throws {
    self.table = table
    instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
  }

  private var hostTable: HostTable { instance.hostTable }
  private var pointer: UnsafeMutableRawPointer? { instance.pointer }

  func needs() throws -> [ScorerNeeds] {
    var alternatives: [ScorerNeeds] = []
    while true {
      var needs = clues_needs()
      needs.struct_size = CLUES_NEEDS_SIZE
      var isThere = true
      try hostTable.call {
        let status = table.pointee.needs(pointer, UInt32(alternatives.count), &needs)
        isThere = status != CLUES_UNSUPPORTED
        return isThere ? status : CLUES_OK
      }
      guard isThere else { return alternatives }
      guard alternatives.count < 64 else { throw fault("lists more than 64 ways to compute its scores") }
      alternatives.append(try read(needs))
    }
  }

  private func read(_ needs: clues_needs) throws -> ScorerNeeds {
    guard [CLUES_CHECKPOINTS_ALL, CLUES_CHECKPOINTS_LAST].contains(needs.checkpoints) else {
      throw fault("wants a choice of checkpoints that this host does not know")
    }
    guard needs.column_count <= 4096, needs.column_count == 0 || needs.columns != nil else {
      throw fault("claims \(needs.column_count) columns that do not exist")
    }
    return ScorerNeeds(
      evidence: Evidence(rawValue: needs.evidence),
      columns: try (0..<Int(needs.column_count)).map { place in
        guard let name = needs.columns[place] else { throw fault("does not name its column \(place)") }
        return String(cString: name)
      },
      passes: Int(needs.passes), lastCheckpointOnly: needs.checkpoints == CLUES_CHECKPOINTS_LAST)
  }

  private func fault(_ message: String) -> Failure { Failure(.pluginFailed, "plugin '\(hostTable.plugin)' \(message)") }

  func begin(_ checkpoint: ScoringCheckpoint) throws {
    checkpointArena.reset()
    client = checkpoint.client
    sampleCount = checkpoint.ids.count
    let table = checkpoint.table(in: checkpointArena)
    try call { self.table.pointee.begin_checkpoint(pointer, table) }
  }

  func begin(_ tensor: ScoringTensor) throws {
    tensorArena.reset()
    self.tensor = tensor.name
    let table = tensor.table(in: tensorArena)
    try call { self.table.pointee.begin_tensor?(pointer, table) ?? CLUES_OK }
  }

  func update(pass: Int, firstSample: Int, rowCount: Int, values: UnsafePointer<Float>) throws {
    var rows = clues_gradient_rows()
    rows.struct_size = CLUES_GRADIENT_ROWS_SIZE
    rows.pass = UInt32(pass)
    rows.first_sample = UInt64(firstSample)
    rows.row_count = UInt64(rowCount)
    rows.values = values
    try call { table.pointee.update?(pointer, &rows) ?? CLUES_OK }
  }

  func endTensor() throws {
    try call { table.pointee.end_tensor?(pointer) ?? CLUES_OK }
    tensor = nil
  }

  func endCheckpoint() throws -> [Score] {
    try collect(sampleCount) { table.pointee.end_checkpoint(pointer, $0) }
  }

  func finish(_ checkpoints: [[Score]]) throws -> [Score] {
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

  func score(_ collection: ScoringCollection) throws -> [Score] {
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      let input = collection.table(in: arena)
      return try collect(collection.clients.count) { table.pointee.score_clients(pointer, input, $0) }
    }
  }

  private func call(_ body: () -> clues_status) throws {
    try locating(client: client, tensor: tensor) { try hostTable.call(body) }
  }

  /// Passes memory for `count` scores to `body` and reads what the plugin wrote.
  private func collect(
    _ count: Int, _ body: (UnsafePointer<clues_scores>) -> clues_status
  ) throws -> [Score] {
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      var table = clues_scores()
      table.struct_size = CLUES_SCORES_SIZE
      table.count = UInt64(count)
      table.values = arena.writableArray([Double](repeating: Unwritten.double, count: count))
      table.reasons = arena.writableArray([UnsafePointer<CChar>?](repeating: nil, count: count))
      let place = arena.value(table)
      try call { body(place) }
      return try (0..<count).map { sample in
        if let reason = table.reasons[sample] { return .unscored(foreignText(reason)) }
        let value = table.values[sample]
        // A value that is not a number is a fact about the sample; a missing value is a fault.
        guard !Unwritten.isLeft(value) else {
          throw Failure(
            .pluginFailed,
            "plugin '\(hostTable.plugin)' gave neither a score nor a reason for number \(sample + 1) of \(count)",
            advice: HostTable.silence, client: client)
        }
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
    // One entry per domain, whatever was requested: the plugin relies on domain_count.
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
