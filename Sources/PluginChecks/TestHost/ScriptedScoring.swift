import CluesPluginABI
import PluginHost

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
  func needs(of table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ testHost: TestHost) -> [ScorerNeeds] {
    var ways: [ScorerNeeds] = []
    while ways.count < 65 {
      let place = testHost.lending(.output, until: .call).table("the needs", empty(clues_needs.self))
      var isThere = true
      var needs = clues_needs()
      let answer = testHost.call("needs", "alternative \(ways.count)") {
        let status = table.needs(instance, UInt32(ways.count), UnsafeMutablePointer(mutating: place))
        isThere = status != CLUES_UNSUPPORTED
        needs = place.pointee
        return isThere ? status : CLUES_OK
      }
      guard isThere, answer.isDone else { return ways }
      guard needs.hasColumns else { return ways }
      ways.append(
        ScorerNeeds(
          needs, columns: (0..<Int(needs.column_count)).map { needs.columns[$0].map { String(cString: $0) } ?? "" }))
    }
    return ways
  }

  private func score(
    _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ needs: ScorerNeeds, alternative: Int,
    _ script: CallScript,
    _ testHost: TestHost
  ) {
    let count = needs.lastCheckpointOnly ? 1 : 2
    var lists: [[Score]] = []
    for index in 0..<count {
      let checkpoint = lend(needs, alternative, index: index, of: count, script, testHost)
      let scene = "\(script.rows) samples and \(script.domains.count) domains"
      guard testHost.call("begin_checkpoint", scene, { table.begin_checkpoint(instance, checkpoint) }).isDone else {
        return
      }
      if needs.evidence.contains(.gradients) {
        for tensor in 0..<2 {
          guard show(tensor, of: index, table, instance, needs, script, testHost) else { return }
        }
      }
      let scores = collect("end_checkpoint", scene, script.rows, script, testHost) {
        table.end_checkpoint(instance, $0)
      }
      testHost.memory.end(.checkpoint)
      guard scores.isDone else { return }
      lists.append(
        zip(scores.values.numbers, scores.values.reasons).map { $1.map { .unscored($0) } ?? .value($0) })
    }
    let memory = testHost.lending(until: .call)
    let list = memory.list("the list of checkpoints", lists.map { $0.lent(in: memory) })
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
    var scores = empty(clues_scores.self)
    scores.count = UInt64(count)
    let values = testHost.room("the scores", count * 8, alignment: 8, .output, .call, fill: script.outputFill)
      .assumingMemoryBound(to: Double.self)
    let reasons = testHost.lending(.output, until: .call).array(
      "the reasons", [UnsafePointer<CChar>?](repeating: nil, count: count))
    scores.values = values
    scores.reasons = UnsafeMutablePointer(mutating: reasons)
    let place = testHost.lending(until: .call).table("the table of scores", scores)
    let read = {
      Outcome.Values(
        numbers: (0..<count).map { reasons[$0] == nil ? values[$0] : .nan },
        reasons: (0..<count).map { reasons[$0].map { String(cString: $0) } })
    }
    return testHost.call(name, scene, read: read) { body(place) }
  }

  // MARK: Checkpoints

  private func lend(
    _ needs: ScorerNeeds, _ alternative: Int, index: Int, of count: Int, _ script: CallScript, _ testHost: TestHost
  ) -> UnsafePointer<clues_checkpoint> {
    var draw = Draw(seed: script.seed, "checkpoint \(index)")
    let (samples, domains) = (script.rows, script.domains)
    var checkpoint = ScoringCheckpoint(
      alternative: alternative, client: script.client(0), step: 10 * (index + 1), index: index, count: count,
      splits: script.splits,
      ids: (0..<samples).map { script.namesAreHostile ? script.client($0) : "sample-\($0)" })
    if needs.evidence.contains(.learningRate) { checkpoint.learningRate = 1e-4 }
    if needs.evidence.contains(.moments) {
      (checkpoint.betas, checkpoint.epsilon, checkpoint.optimizerStep) = ((0.9, 0.999), 1e-8, Double(10 * (index + 1)))
    }
    checkpoint.domains = domains
    checkpoint.ownDomain = domains.isEmpty ? nil : 0
    checkpoint.validationNorms = validationCounts(needs, script).enumerated().map { domain, count in
      (0..<count).map { sample in
        (0..<2).reduce(0.0) { sum, tensor in
          validation(domain, sample, tensor, index, script).reduce(sum) { $0 + Double($1) * Double($1) }
        }.squareRoot()
      }
    }
    checkpoint.tensorCount = needs.evidence.contains(.gradients) ? 2 : 0
    checkpoint.columns = needs.columns.flatMap { name in
      name.hasSuffix(".*") ? domains.map { name.dropLast() + $0 } : [name]
    }.map { ($0, values(of: $0, samples, script, &draw)) }
    let table = checkpoint.lent(in: testHost.lending(until: .checkpoint))
    script.spoil(table.pointee.splits)
    return table
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

  private func validationCounts(_ needs: ScorerNeeds, _ script: CallScript) -> [Int] {
    script.domains.indices.map { needs.evidence.contains(.validationSamples) ? $0 + 2 : 0 }
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
    _ tensor: Int, of checkpoint: Int, _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?,
    _ needs: ScorerNeeds,
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
        let values = testHost.lend(
          "the gradients", Array(gradients[first * width..<(first + count) * width]), until: .call)
        let block = ScoringRows(pass: pass, firstSample: first, count: count, elementCount: width, values: values)
          .lent(in: testHost.lending(until: .call))
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
    _ tensor: Int, of checkpoint: Int, _ width: Int, _ needs: ScorerNeeds, _ script: CallScript, _ testHost: TestHost
  ) -> UnsafePointer<clues_gradient_tensor> {
    var draw = Draw(seed: script.seed, "tensor \(checkpoint) \(tensor)")
    func floats(_ name: String, _ values: [Float]) -> UnsafePointer<Float> {
      testHost.lend(name, values, until: .tensor)
    }
    var described = ScoringTensor(
      name: "base_model.model.layers.\(tensor).q_proj.lora_A.weight", index: tensor, elementCount: width)
    if needs.evidence.contains(.moments) {
      described.firstMoment = floats("the first moment", (0..<width).map { _ in script.values.next(&draw) })
      described.secondMoment = floats(
        "the second moment",
        (0..<width).map { _ in
          let value = script.values.next(&draw)
          return value * value
        })
    }
    if needs.evidence.contains(.validationMeans) {
      described.validationMeans = script.domains.indices.map { domain in
        floats("a validation mean", validation(domain, 0, tensor, checkpoint, script))
      }
    }
    if needs.evidence.contains(.validationSamples) {
      described.validationSamples = validationCounts(needs, script).enumerated().map { domain, count in
        let values = (0..<count).flatMap { validation(domain, $0, tensor, checkpoint, script) }
        return .init(count: count, values: floats("validation samples", values))
      }
    }
    return described.lent(in: testHost.lending(until: .tensor))
  }

  // MARK: Clients

  private func scoreClients(
    _ table: clues_scorer, _ instance: UnsafeMutableRawPointer?, _ script: CallScript, _ testHost: TestHost
  ) {
    let ways = needs(of: table, instance, testHost)
    guard !ways.isEmpty else { return }
    let clients = script.rows
    let owners = (0..<clients).flatMap { [$0, $0] }
    let vectors = owners.indices.map { adapter in
      var draw = Draw(seed: script.seed, "adapter \(adapter)")
      return (0..<max(script.columns, 1)).map { _ in Double(script.values.next(&draw)) }
    }
    let collection = ScoringCollection(
      clients: (0..<clients).map { script.client($0) }, anchors: (0..<clients).map { $0 == clients - 1 },
      owners: owners, steps: owners.indices.map { 10 * ($0 % 2 + 1) },
      innerProducts: vectors.flatMap { a in vectors.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } })
    let place = collection.lent(in: testHost.lending(until: .call))
    collect("score_clients", "\(clients) clients", clients, script, testHost) {
      table.score_clients(instance, place, $0)
    }
  }
}
