import Diagnostics

// The values exchanged between a host and its workers, in both directions: each pair of functions is symmetric.

extension WireWriter {
  mutating func add(_ parameters: ParameterValues) {
    add(parameters.entries) { payload, entry in
      payload.add(entry.name)
      payload.add(entry.isDefault)
      switch entry.value {
      case .number(let value):
        payload.add(0)
        payload.add(value)
      case .integer(let value):
        payload.add(1)
        payload.add(value)
      case .boolean(let value):
        payload.add(2)
        payload.add(value)
      case .text(let value):
        payload.add(3)
        payload.add(value)
      case .numbers(let values):
        payload.add(4)
        payload.add(values)
      }
    }
  }
}

extension WireReader {
  mutating func parameters() throws -> ParameterValues {
    try ParameterValues(
      checked: list { reader in
        let (name, isDefault) = (try reader.text(), try reader.flag())
        let value: ParameterValue =
          switch try reader.integer() {
          case 0: .number(try reader.double())
          case 1: .integer(try reader.integer())
          case 2: .boolean(try reader.flag())
          case 3: .text(try reader.text())
          default: .numbers(try reader.doubles())
          }
        return .init(name: name, value: value, isDefault: isDefault)
      })
  }
}

// MARK: Merging

extension WireWriter {
  mutating func add(_ unit: MergeUnit) {
    add(unit.module)
    add(unit.space.rawValue)
    add(Int(unit.part.rawValue))
    add(unit.rows)
    add(unit.columns)
    add(unit.innerProducts)
    add(unit.adapterInnerProducts)
    add(unit.inputs) { payload, input in
      payload.add(input.client)
      payload.add(input.index)
      payload.add(input.weight)
      payload.add(input.stream)
      payload.lend(input.values, count: unit.rows * unit.columns * MemoryLayout<Float>.size)
    }
    add(unit.survey?.recordSize ?? 0)
    lend(unit.survey?.start, count: unit.survey?.size ?? 0)
  }

  mutating func add(_ record: SurveyRecord) { lend(record.start, count: record.size) }
}

extension WireReader {
  package mutating func mergeUnit() throws -> MergeUnit {
    let module = try text()
    guard let space = Space(rawValue: try text()),
      let part = UInt32(exactly: try integer()).flatMap(MergeUnit.Part.init(rawValue:))
    else {
      throw Failure(.pluginFailed, "a worker does not know the space or the part of a unit")
    }
    let (rows, columns) = (try integer(), try integer())
    let (innerProducts, adapterInnerProducts) = (try doubles(), try doubles())
    let inputs = try list { reader in
      MergeUnit.Input(
        client: try reader.text(), index: try reader.integer(), weight: try reader.double(), stream: try reader.word(),
        values: try reader.floats(rows, columns))
    }
    let recordSize = try integer()
    let survey = try block().map { Survey(recordSize: recordSize, reading: $0) }
    return MergeUnit(
      module: module, space: space, part: part, rows: rows, columns: columns, inputs: inputs,
      innerProducts: innerProducts, adapterInnerProducts: adapterInnerProducts, survey: survey)
  }
}

// MARK: Scoring

extension WireWriter {
  mutating func add(_ checkpoint: ScoringCheckpoint) {
    add(checkpoint.alternative)
    add(checkpoint.client)
    for number in [checkpoint.step, checkpoint.index, checkpoint.count] { add(number) }
    for number in [
      checkpoint.learningRate, checkpoint.betas.0, checkpoint.betas.1, checkpoint.epsilon, checkpoint.optimizerStep,
    ] { add(number) }
    add(checkpoint.splits) { $0.add(Int($1.rawValue)) }
    add(checkpoint.ids) { $0.add($1) }
    add(checkpoint.domains) { $0.add($1) }
    add(checkpoint.ownDomain ?? -1)
    add(checkpoint.validationNorms) { $0.add($1) }
    add(checkpoint.tensorCount)
    add(checkpoint.columns) { payload, column in
      payload.add(column.name)
      payload.add(column.values)
    }
  }

  /// - parameter counts: The number of validation samples of every domain.
  mutating func add(_ tensor: ScoringTensor, validationCounts counts: [Int]) {
    let size = tensor.elementCount * MemoryLayout<Float>.size
    add(tensor.name)
    add(tensor.index)
    add(tensor.elementCount)
    lend(tensor.firstMoment, count: size)
    lend(tensor.secondMoment, count: size)
    add(tensor.validationMeans) { $0.lend($1, count: size) }
    add(zip(tensor.validationSamples, counts).map { ($0, $1) }) { payload, samples in
      payload.add(samples.1)
      payload.lend(samples.0, count: samples.1 * size)
    }
  }

  mutating func add(_ collection: ScoringCollection) {
    add(collection.clients) { $0.add($1) }
    add(collection.anchors) { $0.add($1) }
    add(collection.owners) { $0.add($1) }
    add(collection.steps) { $0.add($1) }
    add(collection.innerProducts)
  }

  mutating func add(_ scores: [Score]) {
    add(scores) { payload, score in
      switch score {
      case .value(let value):
        payload.add(true)
        payload.add(value)
      case .unscored(let reason):
        payload.add(false)
        payload.add(reason)
      }
    }
  }

  mutating func add(_ needs: [ScorerNeeds]) {
    add(needs) { payload, way in
      payload.add(UInt64(way.evidence.rawValue))
      payload.add(way.columns) { $0.add($1) }
      payload.add(way.passes)
      payload.add(way.lastCheckpointOnly)
    }
  }

  mutating func add(_ clients: [ThresholdRulePlugin.ClientScores]) {
    add(clients) { payload, client in
      payload.add(client.client)
      payload.add(client.values)
      payload.add(client.splits) { $0.add(Int($1.rawValue)) }
    }
  }
}

extension WireReader {
  private mutating func split() throws -> Split {
    guard let split = UInt32(exactly: try integer()).flatMap(Split.init(rawValue:)) else {
      throw Failure(.pluginFailed, "a worker does not know the split of a sample")
    }
    return split
  }

  package mutating func checkpoint() throws -> ScoringCheckpoint {
    var checkpoint = ScoringCheckpoint(
      alternative: try integer(), client: try text(), step: try integer(), index: try integer(), count: try integer(),
      splits: [], ids: [])
    checkpoint.learningRate = try double()
    checkpoint.betas = (try double(), try double())
    checkpoint.epsilon = try double()
    checkpoint.optimizerStep = try double()
    checkpoint.splits = try list { try $0.split() }
    checkpoint.ids = try list { try $0.text() }
    checkpoint.domains = try list { try $0.text() }
    let ownDomain = try integer()
    checkpoint.ownDomain = ownDomain < 0 ? nil : ownDomain
    checkpoint.validationNorms = try list { try $0.doubles() }
    checkpoint.tensorCount = try integer()
    checkpoint.columns = try list { (name: try $0.text(), values: try $0.doubles()) }
    return checkpoint
  }

  package mutating func tensor() throws -> ScoringTensor {
    var tensor = ScoringTensor(name: try text(), index: try integer(), elementCount: try integer())
    let count = tensor.elementCount
    tensor.firstMoment = try floats(count)
    tensor.secondMoment = try floats(count)
    tensor.validationMeans = try list { try $0.floats(count) }
    tensor.validationSamples = try list { try $0.floats($0.integer(), count) }
    return tensor
  }

  mutating func collection() throws -> ScoringCollection {
    ScoringCollection(
      clients: try list { try $0.text() }, anchors: try list { try $0.flag() }, owners: try list { try $0.integer() },
      steps: try list { try $0.integer() }, innerProducts: try doubles())
  }

  package mutating func scores() throws -> [Score] {
    try list { try $0.flag() ? .value($0.double()) : .unscored($0.text()) }
  }

  package mutating func needs() throws -> [ScorerNeeds] {
    try list {
      ScorerNeeds(
        evidence: Evidence(rawValue: UInt32(truncatingIfNeeded: try $0.word())), columns: try $0.list { try $0.text() },
        passes: try $0.integer(), lastCheckpointOnly: try $0.flag())
    }
  }

  mutating func clientScores() throws -> [ThresholdRulePlugin.ClientScores] {
    try list {
      .init(client: try $0.text(), values: try $0.doubles(), splits: try $0.list { try $0.split() })
    }
  }
}
