import CluesPluginABI
import Diagnostics

/// An instance of a merge method in this process.
final class HostedMergeMethod: MergeMethodInstance {
  private let table: UnsafePointer<clues_merge_method>
  private let instance: HostedInstance

  init(
    _ table: UnsafePointer<clues_merge_method>, about: PluginDescription, parameters: ParameterValues,
    services: HostServices
  ) throws {
    self.table = table
    instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
  }

  private var hostTable: HostTable { instance.hostTable }
  private var pointer: UnsafeMutableRawPointer? { instance.pointer }

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    var coefficients = [Double](repeating: Unwritten.double, count: unit.inputs.count)
    try lending(unit) { unit, _ in table.pointee.coefficients(pointer, unit, &coefficients) }
    guard coefficients.allSatisfy(\.isFinite) else {
      throw Failure(
        .pluginFailed, "plugin '\(hostTable.plugin)' gave a coefficient that is not a finite number",
        tensor: unit.module)
    }
    return coefficients
  }

  func surveySize(clients: Int) throws -> Int {
    guard let survey = table.pointee.survey_size, table.pointee.survey_passes > 0 else { return 0 }
    let size = survey(pointer, UInt32(clients))
    guard size <= Survey.largestRecord else {
      throw Failure(
        .pluginFailed,
        "plugin '\(hostTable.plugin)' wants a survey of \(size) bytes, more than the limit of \(Survey.largestRecord)")
    }
    return Int(size)
  }

  func survey(_ unit: MergeUnit, pass: Int, into record: SurveyRecord) throws {
    try lending(unit) { unit, _ in table.pointee.survey(pointer, unit, UInt32(pass), record.start) }
  }

  func combine(_ record: SurveyRecord, with other: SurveyRecord, pass: Int) throws {
    try hostTable.call { table.pointee.combine(pointer, UInt32(pass), record.start, other.start) }
  }

  func merge(_ unit: MergeUnit, into output: UnsafeMutablePointer<Float>) throws {
    try filling(unit, output) { unit, output in table.pointee.merge(pointer, unit, output) }
  }

  func noteSize() throws -> Int? {
    guard let noteSize = table.pointee.note_size else { return nil }
    let size = noteSize(pointer)
    guard size <= Survey.largestRecord else {
      throw Failure(
        .pluginFailed,
        "plugin '\(hostTable.plugin)' wants notes of \(size) bytes, more than the limit of \(Survey.largestRecord)")
    }
    return size == 0 ? nil : Int(size)
  }

  func note(
    _ unit: MergeUnit, input: Int, reading read: @escaping MergeUnit.RowReader, into note: UnsafeMutableRawPointer
  ) throws {
    guard unit.inputs[input].values == nil else {
      return try lending(unit) { unit, _ in table.pointee.note(pointer, unit, UInt32(input), note) }
    }
    guard table.pointee.flags & CLUES_MERGE_READS_ROWS.rawValue != 0 else {
      let whole = UnsafeMutablePointer<Float>.allocate(capacity: max(1, unit.rows * unit.columns))
      defer { whole.deallocate() }
      try read(0..<unit.rows, whole)
      var unit = unit
      unit.inputs[input].values = UnsafePointer(whole)
      return try lending(unit) { unit, _ in table.pointee.note(pointer, unit, UInt32(input), note) }
    }
    try hostTable.lending(ReadableRows(input: input, count: unit.rows, read: read)) {
      try lending(unit, readable: input) { unit, _ in table.pointee.note(pointer, unit, UInt32(input), note) }
    }
  }

  func mergeRows(
    _ unit: MergeUnit, from firstRow: Int, notes: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>
  ) throws {
    try filling(unit, output) { unit, output in
      table.pointee.merge_rows(pointer, unit, UInt64(firstRow), notes, output)
    }
  }

  /// Runs `body`, a call of the plugin that must write all of an output of the unit's size.
  private func filling(
    _ unit: MergeUnit, _ output: UnsafeMutablePointer<Float>,
    _ body: (UnsafePointer<clues_merge_unit>, UnsafePointer<clues_tensor>?) -> clues_status
  ) throws {
    try Unwritten.check(output, count: unit.rows * unit.columns, of: hostTable.plugin, tensor: unit.module) {
      try lending(unit, output, body)
    }
  }

  /// Runs `body`, a call of the plugin, with the C form of a unit and an output of its size.
  private func lending(
    _ unit: MergeUnit, _ output: UnsafeMutablePointer<Float>? = nil, readable: Int? = nil,
    _ body: (UnsafePointer<clues_merge_unit>, UnsafePointer<clues_tensor>?) -> clues_status
  ) throws {
    let arena = Arena()
    try withExtendedLifetime((arena, unit.survey)) {
      let target = output.map {
        matrix($0, rows: unit.rows, columns: unit.columns, flags: CLUES_TENSOR_WRITABLE.rawValue, in: arena)
      }
      let table = unit.table(in: arena, readable: readable)
      try locating(tensor: unit.module) { try hostTable.call { body(table, target) } }
    }
  }
}

extension MergeUnit {
  /// - parameter readable: The input whose rows will be read, so that its value is a shape without data.
  fileprivate func table(in arena: Arena, readable: Int?) -> UnsafePointer<clues_merge_unit> {
    let inputs = self.inputs.enumerated().map { index, input -> UnsafePointer<clues_merge_input>? in
      var item = clues_merge_input()
      item.struct_size = CLUES_MERGE_INPUT_SIZE
      item.client = arena.text(input.client)
      item.index = UInt32(input.index)
      item.weight = input.weight
      item.stream = input.stream
      if input.values != nil || index == readable {
        let values = input.values.map { UnsafeMutablePointer(mutating: $0) }
        item.value = matrix(values, rows: rows, columns: columns, flags: 0, in: arena)
      }
      return arena.value(item)
    }
    var unit = clues_merge_unit()
    unit.struct_size = CLUES_MERGE_UNIT_SIZE
    unit.space = space.abi
    unit.module = arena.text(module)
    unit.part = clues_part(rawValue: part.rawValue)
    unit.input_count = UInt32(inputs.count)
    unit.inputs = arena.array(inputs)
    unit.inner_products = innerProducts.isEmpty ? nil : arena.array(innerProducts)
    unit.adapter_inner_products = adapterInnerProducts.isEmpty ? nil : arena.array(adapterInnerProducts)
    unit.survey = survey.map { UnsafeRawPointer($0.start) }
    unit.survey_size = UInt64(survey?.recordSize ?? 0)
    return arena.value(unit)
  }
}

private func matrix(
  _ values: UnsafeMutablePointer<Float>?, rows: Int, columns: Int, flags: UInt32, in arena: Arena
) -> UnsafePointer<clues_tensor> {
  var tensor = clues_tensor()
  tensor.struct_size = CLUES_TENSOR_SIZE
  tensor.dtype = CLUES_F32
  tensor.rank = 2
  tensor.flags = flags | CLUES_TENSOR_CONTIGUOUS.rawValue
  tensor.shape = arena.array([Int64(rows), Int64(columns)])
  tensor.strides = arena.array([Int64(columns), 1])
  tensor.data = values.map { UnsafeMutableRawPointer($0) }
  return arena.value(tensor)
}
