import CluesPluginABI

/// The needs that a scorer lists.
struct Needs: Equatable {
  let evidence: UInt32
  let passes: Int
  let lastCheckpointOnly: Bool
  let columns: [String]

  func has(_ evidence: clues_evidence) -> Bool { self.evidence & evidence.rawValue != 0 }
}

extension Entry {
  /// create → needs, and a whole client for every one of them → destroy.
  func performScoring(_ table: UnsafePointer<clues_scorer>, _ script: CallScript, _ testHost: TestHost) {
    if table.pointee.granularity == CLUES_SCORES_CLIENTS {
      withInstance(script.parameters, testHost) { scoreClients(table.pointee, $0, script, testHost) }
      return
    }
    var ways = 0
    var place = 0
    repeat {
      withInstance(script.parameters, testHost) { instance in
        let needs = needs(of: table.pointee, instance, testHost)
        ways = needs.count
        if place < ways { score(table.pointee, instance, needs[place], alternative: place, script, testHost) }
      }
      place += 1
    } while place < min(ways, 8)
  }

  /// The ways that a scorer lists; 65 if the list does not end.
  func needs(of table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ testHost: TestHost) -> [Needs] {
    var ways: [Needs] = []
    while ways.count < 65 {
      var empty = clues_needs()
      empty.struct_size = CLUES_NEEDS_SIZE
      let place = testHost.lend("the needs", empty, .output, until: .call)
      var isThere = true
      var needs = clues_needs()
      let answer = testHost.call("needs", "alternative \(ways.count)") {
        let status = table.needs(instance, UInt32(ways.count), UnsafeMutablePointer(mutating: place))
        isThere = status != CLUES_UNSUPPORTED
        needs = place.pointee
        return isThere ? status : CLUES_OK
      }
      guard isThere, answer.isDone else { return ways }
      guard needs.column_count <= 4096, needs.column_count == 0 || needs.columns != nil else { return ways }
      ways.append(
        Needs(
          evidence: needs.evidence, passes: Int(needs.passes),
          lastCheckpointOnly: needs.checkpoints == CLUES_CHECKPOINTS_LAST,
          columns: (0..<Int(needs.column_count)).map { needs.columns[$0].map { String(cString: $0) } ?? "" }))
    }
    return ways
  }

  private func score(
    _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ needs: Needs, alternative: Int, _ script: CallScript,
    _ testHost: TestHost
  ) {
    let count = needs.lastCheckpointOnly ? 1 : 2
    var lists: [Outcome.Values] = []
    for index in 0..<count {
      let checkpoint = lend(needs, alternative, index: index, of: count, script, testHost)
      let scene = "\(script.rows) samples and \(script.domains.count) domains"
      guard testHost.call("begin_checkpoint", scene, { table.begin_checkpoint(instance, checkpoint) }).isDone else {
        return
      }
      if needs.has(CLUES_EVIDENCE_GRADIENTS) {
        for tensor in 0..<2 {
          guard show(tensor, of: index, table, instance, needs, script, testHost) else { return }
        }
      }
      let scores = collect("end_checkpoint", scene, script.rows, script, testHost) {
        table.end_checkpoint(instance, $0)
      }
      testHost.memory.end(.checkpoint)
      guard scores.isDone else { return }
      lists.append(scores.values)
    }
    let tables = lists.map { list -> UnsafePointer<clues_scores>? in
      var scores = clues_scores()
      scores.struct_size = CLUES_SCORES_SIZE
      scores.count = UInt64(list.numbers.count)
      scores.values = testHost.lend("the scores of a checkpoint", list.numbers, until: .call)
      scores.reasons = testHost.lend(
        "the reasons of a checkpoint", list.reasons.map { $0.map { testHost.lend($0, until: .call) } }, until: .call)
      return testHost.lend("scores", scores, until: .call)
    }
    let list = testHost.lend("the list of checkpoints", tables, until: .call)
    collect("finish", "\(count) checkpoints of \(script.rows) samples", script.rows, script, testHost) {
      table.finish(instance, UInt32(count), list, $0)
    }
  }

  /// Lends memory for scores and reads what was written.
  @discardableResult
  private func collect(
    _ name: String, _ scene: String, _ count: Int, _ script: CallScript, _ testHost: TestHost,
    _ body: (UnsafePointer<clues_scores>) -> clues_status
  ) -> Outcome {
    var scores = clues_scores()
    scores.struct_size = CLUES_SCORES_SIZE
    scores.count = UInt64(count)
    let values = testHost.room("the scores", count * 8, alignment: 8, .output, .call, fill: script.outputFill)
      .assumingMemoryBound(to: Double.self)
    let reasons = testHost.lend(
      "the reasons", [UnsafePointer<CChar>?](repeating: nil, count: count), .output, until: .call)
    scores.values = values
    scores.reasons = reasons
    let place = testHost.lend("the table of scores", scores, until: .call)
    let read = {
      Outcome.Values(
        numbers: (0..<count).map { reasons[$0] == nil ? values[$0] : .nan },
        reasons: (0..<count).map { reasons[$0].map { String(cString: $0) } })
    }
    return testHost.call(name, scene, read: read) { body(place) }
  }

  // MARK: Checkpoints

  private func lend(
    _ needs: Needs, _ alternative: Int, index: Int, of count: Int, _ script: CallScript, _ testHost: TestHost
  ) -> UnsafePointer<clues_checkpoint> {
    var draw = Draw(seed: script.seed, "checkpoint \(index)")
    let (samples, domains) = (script.rows, script.domains)
    var table = clues_checkpoint()
    table.struct_size = CLUES_CHECKPOINT_SIZE
    table.alternative = UInt32(alternative)
    table.client = testHost.lend(script.client(0), until: .checkpoint)
    table.step = UInt64(10 * (index + 1))
    table.index = UInt32(index)
    table.count = UInt32(count)
    let hasMoments = needs.has(CLUES_EVIDENCE_MOMENTS)
    table.learning_rate = needs.has(CLUES_EVIDENCE_LEARNING_RATE) ? 1e-4 : .nan
    table.beta1 = hasMoments ? 0.9 : .nan
    table.beta2 = hasMoments ? 0.999 : .nan
    table.epsilon = hasMoments ? 1e-8 : .nan
    table.optimizer_step = hasMoments ? Double(10 * (index + 1)) : .nan
    table.sample_count = UInt64(samples)
    let splits = (0..<samples).map { script.split ?? ($0 % 3 == 2 ? CLUES_SPLIT_ANCHOR : CLUES_SPLIT_TRAIN) }
    table.splits = UnsafePointer(testHost.lend("the splits", splits.map(\.rawValue), until: .checkpoint))
    let ids = (0..<samples).map { place -> UnsafePointer<CChar>? in
      testHost.lend(script.namesAreHostile ? script.client(place) : "sample-\(place)", until: .checkpoint)
    }
    table.ids = UnsafePointer(testHost.lend("the samples' ids", ids, until: .checkpoint))
    table.domain_count = UInt32(domains.count)
    table.own_domain = domains.isEmpty ? .max : 0
    let names = domains.map { name -> UnsafePointer<CChar>? in testHost.lend(name, until: .checkpoint) }
    table.domains = UnsafePointer(testHost.lend("the domains", names, until: .checkpoint))
    let counts = validationCounts(needs, script)
    table.validation_counts = UnsafePointer(testHost.lend("the counts", counts.map { UInt64($0) }, until: .checkpoint))
    let norms = domains.indices.map { domain -> UnsafePointer<Double>? in
      let squares = (0..<counts[domain]).map { sample in
        (0..<2).reduce(0.0) { sum, tensor in
          validation(domain, sample, tensor, index, script).reduce(sum) { $0 + Double($1) * Double($1) }
        }
      }
      return UnsafePointer(testHost.lend("validation norms", squares.map { $0.squareRoot() }, until: .checkpoint))
    }
    table.validation_norms = UnsafePointer(testHost.lend("the validation norms", norms, until: .checkpoint))
    table.tensor_count = needs.has(CLUES_EVIDENCE_GRADIENTS) ? 2 : 0
    let columns = needs.columns.flatMap { name in
      name.hasSuffix(".*") ? domains.map { name.dropLast() + $0 } : [name]
    }
    table.column_count = UInt32(columns.count)
    table.columns = UnsafePointer(
      testHost.lend(
        "the list of columns",
        columns.map { name -> UnsafePointer<clues_column>? in
          var column = clues_column()
          column.struct_size = CLUES_COLUMN_SIZE
          column.name = testHost.lend(name, until: .checkpoint)
          column.values = UnsafePointer(
            testHost.lend("column \(name)", values(of: name, samples, script, &draw), until: .checkpoint))
          return testHost.lend("a column", column, until: .checkpoint)
        }, until: .checkpoint))
    return testHost.lend("the checkpoint", table, until: .checkpoint)
  }

  private func values(of column: String, _ count: Int, _ script: CallScript, _ draw: inout Draw) -> [Double] {
    (0..<count).map { _ in
      switch script.values {
      case .ordinary: column == "tokens" ? Double(draw.integer(in: 1...50)) : draw.number(in: 0.5...1.5)
      case .zeros: 0
      case .strange: Double(script.values.next(&draw))
      }
    }
  }

  private func validationCounts(_ needs: Needs, _ script: CallScript) -> [Int] {
    script.domains.indices.map { needs.has(CLUES_EVIDENCE_VALIDATION_SAMPLES) ? $0 + 2 : 0 }
  }

  /// The gradient of a validation sample with respect to a tensor.
  private func validation(_ domain: Int, _ sample: Int, _ tensor: Int, _ checkpoint: Int, _ script: CallScript)
    -> [Float]
  {
    var draw = Draw(seed: script.seed, "validation \(checkpoint) \(domain) \(sample) \(tensor)")
    return (0..<width(tensor, script)).map { _ in script.values.next(&draw) }
  }

  private func width(_ tensor: Int, _ script: CallScript) -> Int { tensor == 0 ? script.columns : 3 }

  // MARK: Gradients

  /// Passes a tensor in all passes; returns whether the scorer accepted it.
  private func show(
    _ tensor: Int, of checkpoint: Int, _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ needs: Needs,
    _ script: CallScript, _ testHost: TestHost
  ) -> Bool {
    let width = width(tensor, script)
    let lent = lend(tensor, of: checkpoint, width, needs, script, testHost)
    guard testHost.call("begin_tensor", "\(width) elements", { table.begin_tensor?(instance, lent) ?? CLUES_OK }).isDone
    else { return false }
    var draw = Draw(seed: script.seed, "gradients \(checkpoint) \(tensor)")
    let gradients = (0..<script.rows * width).map { _ in script.values.next(&draw) }
    for pass in 0..<min(max(needs.passes, 1), 16) {
      var first = 0
      while first < script.rows {
        let count = min(max(script.blockRows, 1), script.rows - first)
        var rows = clues_gradient_rows()
        rows.struct_size = CLUES_GRADIENT_ROWS_SIZE
        rows.pass = UInt32(pass)
        rows.first_sample = UInt64(first)
        rows.row_count = UInt64(count)
        rows.values = UnsafePointer(
          testHost.lend("the gradients", Array(gradients[first * width..<(first + count) * width]), until: .call))
        let block = testHost.lend("the rows", rows, until: .call)
        guard
          testHost.call(
            "update", "\(count) rows of \(width) elements", { table.update?(instance, block) ?? CLUES_OK }
          ).isDone
        else { return false }
        first += count
      }
    }
    defer { testHost.memory.end(.tensor) }
    return testHost.call("end_tensor", "", { table.end_tensor?(instance) ?? CLUES_OK }).isDone
  }

  private func lend(
    _ tensor: Int, of checkpoint: Int, _ width: Int, _ needs: Needs, _ script: CallScript, _ testHost: TestHost
  ) -> UnsafePointer<clues_gradient_tensor> {
    var draw = Draw(seed: script.seed, "tensor \(checkpoint) \(tensor)")
    func floats(_ name: String, _ values: [Float]) -> UnsafePointer<Float> {
      UnsafePointer(testHost.lend(name, values, until: .tensor))
    }
    var table = clues_gradient_tensor()
    table.struct_size = CLUES_GRADIENT_TENSOR_SIZE
    table.index = UInt32(tensor)
    table.name = testHost.lend("base_model.model.layers.\(tensor).q_proj.lora_A.weight", until: .tensor)
    table.element_count = UInt64(width)
    if needs.has(CLUES_EVIDENCE_MOMENTS) {
      table.first_moment = floats("the first moment", (0..<width).map { _ in script.values.next(&draw) })
      table.second_moment = floats(
        "the second moment",
        (0..<width).map { _ in
          let value = script.values.next(&draw)
          return value * value
        })
    }
    if needs.has(CLUES_EVIDENCE_VALIDATION_MEANS) {
      let means = script.domains.indices.map { domain -> UnsafePointer<Float>? in
        floats("a validation mean", validation(domain, 0, tensor, checkpoint, script))
      }
      table.validation_means = UnsafePointer(testHost.lend("the validation means", means, until: .tensor))
    }
    if needs.has(CLUES_EVIDENCE_VALIDATION_SAMPLES) {
      let counts = validationCounts(needs, script)
      let samples = script.domains.indices.map { domain -> UnsafePointer<Float>? in
        floats(
          "validation samples",
          (0..<counts[domain]).flatMap { validation(domain, $0, tensor, checkpoint, script) })
      }
      table.validation_samples = UnsafePointer(testHost.lend("the validation samples", samples, until: .tensor))
    }
    return testHost.lend("the tensor", table, until: .tensor)
  }

  // MARK: Clients

  private func scoreClients(
    _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ script: CallScript, _ testHost: TestHost
  ) {
    let ways = needs(of: table, instance, testHost)
    guard !ways.isEmpty else { return }
    let clients = script.rows
    let owners = (0..<clients).flatMap { [UInt32($0), UInt32($0)] }
    let vectors = owners.indices.map { adapter in
      var draw = Draw(seed: script.seed, "adapter \(adapter)")
      return (0..<max(script.columns, 1)).map { _ in Double(script.values.next(&draw)) }
    }
    var collection = clues_collection()
    collection.struct_size = CLUES_COLLECTION_SIZE
    collection.client_count = UInt32(clients)
    let names = (0..<clients).map { client -> UnsafePointer<CChar>? in
      testHost.lend(script.client(client), until: .call)
    }
    collection.clients = UnsafePointer(testHost.lend("the clients", names, until: .call))
    collection.anchors = UnsafePointer(
      testHost.lend("the anchors", (0..<clients).map { $0 == clients - 1 ? UInt32(1) : 0 }, until: .call))
    collection.adapter_count = UInt32(owners.count)
    collection.owners = UnsafePointer(testHost.lend("the owners", owners, until: .call))
    collection.steps = UnsafePointer(
      testHost.lend("the steps", owners.indices.map { UInt64(10 * ($0 % 2 + 1)) }, until: .call))
    let products = vectors.flatMap { a in vectors.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    collection.inner_products = UnsafePointer(testHost.lend("the inner products", products, until: .call))
    let place = testHost.lend("the collection", collection, until: .call)
    collect("score_clients", "\(clients) clients", clients, script, testHost) {
      table.score_clients(instance, place, $0)
    }
  }
}
