import CluesPluginABI
import PluginHost

/// One unit of a merge before it is lent.
private struct Unit {
  let module: String
  let space: clues_space
  let part: clues_part
  let rows: Int
  let columns: Int
  /// For every input, its client's index among all, and its elements row by row.
  let inputs: [(client: Int, values: [Float])]

  /// The same unit with only some rows.
  func rows(_ lines: Range<Int>) -> Unit {
    let range = lines.lowerBound * columns..<lines.upperBound * columns
    return Unit(
      module: module, space: space, part: part, rows: lines.count, columns: columns,
      inputs: inputs.map { ($0.client, Array($0.values[range])) })
  }
}

extension Entry {
  /// create → survey passes → coefficients and merge of two modules in every space → destroy.
  func performMerge(_ table: UnsafePointer<clues_merge_method>, _ script: CallScript, _ testHost: TestHost) {
    for space in spaces(of: table.pointee, script) {
      let units = units(script, in: space)
      withInstance(script.parameters, testHost) { instance in
        let survey = showSurvey(table.pointee, instance, units, script, testHost)
        if case .failed = survey { return }
        for unit in units {
          if table.pointee.coefficients != nil { coefficients(table.pointee, instance, unit, script, testHost) }
          if table.pointee.merge != nil, space != CLUES_SPACE_STACK {
            merge(table.pointee, instance, unit, survey.records, script, testHost)
            mergeRows(table.pointee, instance, unit, survey.records, script, testHost)
          }
        }
      }
    }
  }

  private func spaces(of table: clues_merge_method, _ script: CallScript) -> [clues_space] {
    if let space = script.space { return [space] }
    return [CLUES_SPACE_STACK, CLUES_SPACE_CORE, CLUES_SPACE_DELTA, CLUES_SPACE_FACTORS].filter {
      table.spaces & $0.rawValue != 0 && ($0 != CLUES_SPACE_STACK || table.coefficients != nil)
    }
  }

  private func units(_ script: CallScript, in space: clues_space) -> [Unit] {
    var units: [Unit] = []
    let parts = space == CLUES_SPACE_FACTORS ? [CLUES_PART_A, CLUES_PART_B] : [CLUES_PART_WHOLE]
    for (number, shape) in [(script.rows, script.columns), (script.columns, script.rows)].enumerated() {
      for part in parts {
        let module = script.namesAreHostile ? script.client(number + 1) : "model.layers.\(number).self_attn.q_proj"
        let clients = (0..<script.inputCount).filter { !(script.hasGaps && number == 1 && $0 == 0) }
        let inputs = clients.map { client in
          var draw = Draw(seed: script.seed, "\(number) \(space.rawValue) \(part.rawValue) \(client)")
          return (client: client, values: (0..<shape.0 * shape.1).map { _ in script.values.next(&draw) })
        }
        let order = script.order.map { order in order.compactMap { place in inputs.first { $0.client == place } } }
        units.append(
          Unit(
            module: module, space: space, part: script.part ?? part, rows: shape.0, columns: shape.1,
            inputs: order ?? inputs))
      }
    }
    return script.reversesModules ? units.reversed() : units
  }

  // MARK: Calls

  private enum SurveyResult {
    case none, failed
    case done(UnsafeMutableRawPointer, size: Int)

    var records: (UnsafeMutableRawPointer, size: Int)? {
      if case .done(let start, let size) = self { (start, size) } else { nil }
    }
  }

  /// All passes of the survey, as hosts make them: a record for every unit, folded in order.
  private func showSurvey(
    _ table: clues_merge_method, _ instance: UnsafeMutableRawPointer?, _ units: [Unit], _ script: CallScript,
    _ testHost: TestHost
  ) -> SurveyResult {
    guard table.survey_passes > 0, let surveySize = table.survey_size, let survey = table.survey,
      let combine = table.combine
    else { return .none }
    var size = 0
    let read = { Outcome.Values(numbers: [Double(size)]) }
    testHost.call("survey_size", read: read) {
      size = Int(clamping: surveySize(instance, UInt32(script.inputCount)))
      return CLUES_OK
    }
    guard size > 0, size <= 1 << 26 else { return size == 0 ? .none : .failed }
    let passes = Int(table.survey_passes)
    let all = testHost.room("the records of the survey", size * passes, alignment: 64, .output, .instance)
    for pass in 0..<passes {
      for unit in units {
        let record = testHost.room("a record of the survey", size, alignment: 64, .output, .instance)
        let lent = lend(unit, script, pass > 0 ? (all, size) : nil, testHost)
        let seen = testHost.call("survey", "pass \(pass) with \(lent.scene)") {
          survey(instance, lent.table, UInt32(pass), record)
        }
        let folded = testHost.call("combine", "two records of pass \(pass)") {
          combine(instance, UInt32(pass), all + pass * size, record)
        }
        guard seen.isDone, folded.isDone else { return .failed }
      }
    }
    return .done(all, size: size)
  }

  private func coefficients(
    _ table: clues_merge_method, _ instance: UnsafeMutableRawPointer?, _ unit: Unit, _ script: CallScript,
    _ testHost: TestHost
  ) {
    let lent = lend(unit, script, nil, testHost, isLinear: true)
    let count = unit.inputs.count
    let target = testHost.room("the coefficients", count * 8, alignment: 8, .output, .call, fill: script.outputFill)
      .assumingMemoryBound(to: Double.self)
    // By client, so that their order can be compared.
    let read = {
      Outcome.Values(
        numbers: unit.inputs.indices.sorted { unit.inputs[$0].client < unit.inputs[$1].client }.map { target[$0] })
    }
    testHost.call("coefficients", lent.scene, read: read) { table.coefficients(instance, lent.table, target) }
  }

  private func merge(
    _ table: clues_merge_method, _ instance: UnsafeMutableRawPointer?, _ unit: Unit,
    _ survey: (UnsafeMutableRawPointer, size: Int)?, _ script: CallScript, _ testHost: TestHost
  ) {
    filling("merge", unit, survey, script, testHost) { table.merge(instance, $0, $1) }
  }

  /// Makes a call that fills a matrix of the unit's size.
  ///
  /// - parameter place: The position of the unit's rows in the whole, in words.
  private func filling(
    _ name: String, _ unit: Unit, _ survey: (UnsafeMutableRawPointer, size: Int)?, _ script: CallScript,
    _ testHost: TestHost,
    at place: String = "",
    _ body: (UnsafePointer<clues_merge_unit>, UnsafePointer<clues_tensor>) -> clues_status
  ) {
    let lent = lend(unit, script, survey, testHost)
    let shape = MatrixLayout(rows: unit.rows, columns: unit.columns, script)
    let target = testHost.room(
      "the output", shape.size, alignment: shape.elementSize, .output, .call, fill: script.outputFill)
    let output = lend(target, shape, CLUES_TENSOR_WRITABLE.rawValue, testHost)
    let read = {
      Outcome.Values(
        numbers: shape.places.map { shape.number(at: $0, of: target) },
        input: unit.inputs.first?.values.map { Double($0) } ?? [],
        spoilt: shape.firstSpoilt(target, fill: script.outputFill))
    }
    testHost.call(name, place + lent.scene, read: read) { body(lent.table, output) }
  }

  /// Notes of all inputs, one after the other, and then two rows of all of them at a time, if the method supports it.
  private func mergeRows(
    _ table: clues_merge_method, _ instance: UnsafeMutableRawPointer?, _ unit: Unit,
    _ survey: (UnsafeMutableRawPointer, size: Int)?, _ script: CallScript, _ testHost: TestHost
  ) {
    guard let noteSize = table.note_size, let note = table.note, let mergeRows = table.merge_rows else { return }
    var size = 0
    let read = { Outcome.Values(numbers: [Double(size)]) }
    testHost.call("note_size", read: read) {
      size = Int(clamping: noteSize(instance))
      return CLUES_OK
    }
    guard size > 0, size <= 1 << 26 else { return }
    let notes = testHost.room("the notes", size * unit.inputs.count, alignment: 64, .output, .instance)
    for place in unit.inputs.indices {
      let lent = lend(unit, script, survey, testHost, showing: place)
      if let reading = script.reading, let value = lent.table.pointee.inputs[place]?.pointee.value {
        UnsafeMutablePointer(mutating: value).pointee.data = nil
        testHost.rows = .init(
          input: place, columns: unit.columns, values: unit.inputs[place].values, reading: reading)
      }
      defer { testHost.rows = nil }
      let read = { Outcome.Values(numbers: script.reading == nil ? [] : [Double(testHost.failedReads)]) }
      let noted = testHost.call("note", "input \(place) of \(lent.scene)", read: read) {
        note(instance, lent.table, UInt32(place), notes + place * size)
      }
      guard noted.isDone else { return }
    }
    for first in stride(from: 0, to: unit.rows, by: 2) {
      let rows = unit.rows(first..<min(first + 2, unit.rows))
      filling("merge_rows", rows, survey, script, testHost, at: "rows from \(first) on, ") {
        mergeRows(instance, $0, UInt64(first), notes, $1)
      }
    }
  }

  // MARK: Lending

  /// - parameter showing: The index of the only input that has a value; nil for all.
  private func lend(
    _ unit: Unit, _ script: CallScript, _ survey: (UnsafeMutableRawPointer, size: Int)?, _ testHost: TestHost,
    isLinear: Bool = false,
    showing shown: Int? = nil
  ) -> (table: UnsafePointer<clues_merge_unit>, scene: String) {
    let count = unit.inputs.count
    let shape = MatrixLayout(rows: unit.rows, columns: unit.columns, script)
    var described = MergeUnit(
      module: unit.module, space: .delta,
      inputs: unit.inputs.map { input in
        var draw = Draw(seed: script.seed, "stream \(unit.module) \(unit.part.rawValue) \(input.client)")
        return .init(
          client: script.client(input.client), index: input.client,
          weight: script.weights.isEmpty ? 1 : script.weights[input.client], stream: draw.word())
      })
    if isLinear {
      let vectors = unit.inputs.map { input in input.values.isEmpty ? [0.5] : input.values.map { Double($0) } }
      let products = vectors.flatMap { a in vectors.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
      let flags = flagsOfMethod
      if flags & CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue != 0 { described.innerProducts = products }
      if flags & CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue != 0 {
        described.adapterInnerProducts = products.map { 2 * $0 }
      }
    }
    // What hosts do not do replaces what they do: unknown spaces and parts, and matrices of any layout.
    let table = UnsafeMutablePointer(mutating: described.lent(in: testHost.lending(until: .call)))
    (table.pointee.space, table.pointee.part) = (unit.space, unit.part)
    (table.pointee.survey, table.pointee.survey_size) = (
      survey.map { UnsafeRawPointer($0.0) }, UInt64(survey?.size ?? 0)
    )
    for (place, input) in unit.inputs.enumerated() where !isLinear && shown ?? place == place {
      let data = testHost.room(
        "the input of \(script.client(input.client).prefix(20))", shape.size, alignment: shape.elementSize, .input,
        .call)
      for (place, value) in zip(shape.places, input.values) { shape.store(value, at: place, of: data) }
      UnsafeMutablePointer(mutating: table.pointee.inputs[place]!).pointee.value = lend(data, shape, 0, testHost)
    }
    let layout = script.layout == .packed ? "" : ", \(script.layout.rawValue)"
    let kind = "\(count) \(isLinear ? "inputs" : "matrices") of \(unit.rows) × \(unit.columns)\(layout)"
    let part =
      switch unit.part {
      case CLUES_PART_WHOLE: ""
      case CLUES_PART_A: ", part A"
      case CLUES_PART_B: ", part B"
      default: ", the unknown part \(unit.part.rawValue)"
      }
    return (UnsafePointer(table), "\(kind) in \(spaceName(unit.space))\(part)")
  }

  private var flagsOfMethod: UInt32 { if case .method(let table) = tables { table.pointee.flags } else { 0 } }

  private func lend(
    _ data: UnsafeMutableRawPointer, _ shape: MatrixLayout, _ flags: UInt32, _ testHost: TestHost
  ) -> UnsafePointer<clues_tensor> {
    var tensor = empty(clues_tensor.self)
    tensor.dtype = shape.dtype
    tensor.rank = shape.rank
    tensor.flags = flags | (shape.isContiguous ? CLUES_TENSOR_CONTIGUOUS.rawValue : 0)
    let (extents, strides) = shape.extents
    tensor.shape = testHost.lend("a shape", extents, until: .call)
    tensor.strides = testHost.lend("strides", strides, until: .call)
    tensor.data = shape.size == 0 ? nil : data
    return testHost.lending(until: .call).table("a tensor", tensor)
  }
}

private func spaceName(_ space: clues_space) -> String {
  switch space {
  case CLUES_SPACE_STACK: "space stack"
  case CLUES_SPACE_CORE: "space core"
  case CLUES_SPACE_DELTA: "space delta"
  case CLUES_SPACE_FACTORS: "space factors"
  default: "the unknown space \(space.rawValue)"
  }
}
