import Diagnostics

/// An instance of a merge method; used by one thread at a time.
public final class MergeMethodInstance {
  private let site: any InstanceSite
  /// The size of a note; the plugin is only asked once.
  private var noteBytes: Int?

  init(_ site: any InstanceSite) { self.site = site }

  /// The coefficients of a linear method, one for each input.
  public func coefficients(_ unit: MergeUnit) throws -> [Double] {
    site.subject.tensor = unit.module
    let coefficients = try site.numbers(.coefficients, count: unit.inputs.count) { CallArguments(unit, in: $0) }
    guard coefficients.allSatisfy(\.isFinite) else {
      throw site.failure("gave a coefficient that is not a finite number").at(tensor: unit.module)
    }
    return coefficients
  }

  /// The size of a survey's record for a merge of this many clients; 0 if the parameters need no survey.
  ///
  /// Must be called before ``survey(_:pass:into:)`` and ``combine(_:with:pass:)``.
  public func surveySize(clients: Int) throws -> Int {
    try recordSize("a survey", site.integer(.surveySize, number: clients))
  }

  /// Shows a unit to the plugin, which adds it to a record.
  public func survey(_ unit: MergeUnit, pass: Int, into record: SurveyRecord) throws {
    site.subject.tensor = unit.module
    try site.call(.survey, into: record.bytes) { CallArguments(unit, number: pass, in: $0) }
  }

  /// Adds `other` to `record`.
  public func combine(_ record: SurveyRecord, with other: SurveyRecord, pass: Int) throws {
    site.subject.tensor = nil
    try site.call(.combine, into: record.bytes) {
      CallArguments(data: $0.lend(other.start, size: other.size), number: pass)
    }
  }

  /// Fills `output`, `rows` × `columns` elements that overlap no input, with the merged matrix.
  public func merge(_ unit: MergeUnit, into output: UnsafeMutablePointer<Float>) throws {
    try fill(output, of: unit, by: .merge) { CallArguments(unit, in: $0) }
  }

  /// The size in bytes of a note of an input; nil if the method only merges whole matrices.
  public func noteSize() throws -> Int? {
    let size = try noteBytes ?? recordSize("notes", site.integer(.noteSize))
    noteBytes = size
    return size == 0 ? nil : size
  }

  /// Shows an input of `rows` × `columns` elements.
  ///
  /// - parameter read: Reads all of the elements or those that the plugin requests, unless the input has values.
  public func note(
    _ unit: MergeUnit, input: Int, reading read: @escaping MergeUnit.RowReader, into note: UnsafeMutableRawPointer
  ) throws {
    site.subject.tensor = unit.module
    let record = UnsafeMutableRawBufferPointer(start: note, count: try noteSize() ?? 0)
    var unit = unit
    if unit.inputs[input].values != nil {
      try site.call(.note, into: record) { CallArguments(unit, number: input, in: $0) }
    } else if let rows = site.rowReading {
      unit.inputs[input].source = .rows
      try rows.lending(ReadableRows(input: input, count: unit.rows, read: read)) {
        try site.call(.note, into: record) { CallArguments(unit, number: input, in: $0) }
      }
    } else {
      unit.inputs[input].source = .lent
      try site.call(.note, into: record) { memory in
        let size = unit.rows * unit.columns * MemoryLayout<Float>.size
        unit.inputs[input].values = try memory.fill("an input", size, alignment: 64) { bytes in
          if let start = bytes.baseAddress { try read(0..<unit.rows, start.assumingMemoryBound(to: Float.self)) }
        }.assumingMemoryBound(to: Float.self)
        return CallArguments(unit, number: input, in: memory)
      }
    }
  }

  /// Fills `output` with the rows from `firstRow` on; the unit's values are these rows only.
  ///
  /// - parameter notes: The notes of all inputs, one after the other.
  public func mergeRows(
    _ unit: MergeUnit, from firstRow: Int, notes: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>
  ) throws {
    let size = try (noteSize() ?? 0) * unit.inputs.count
    try fill(output, of: unit, by: .mergeRows) { memory in
      var arguments = CallArguments(unit, number: firstRow, in: memory)
      arguments.data = memory.lend(notes, size: size)
      return arguments
    }
  }

  /// Makes a call that must write all of an output of the unit's size.
  private func fill(
    _ output: UnsafeMutablePointer<Float>, of unit: MergeUnit, by call: PluginCall,
    _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws {
    site.subject.tensor = unit.module
    let count = unit.rows * unit.columns
    let memory = UnsafeMutableRawBufferPointer(start: output, count: count * MemoryLayout<Float>.size)
    _ = try site.call(call, CallAnswer(memory: memory, isUnwritten: true), until: .call) { memory in
      var arguments = try arguments(memory)
      (arguments.rows, arguments.columns) = (unit.rows, unit.columns)
      return arguments
    }
    let left = Unwritten.count(in: output, count)
    guard left == 0 else {
      throw Failure.breach(
        by: site.plugin, "has left \(left) of \(count) numbers of its output unwritten", tensor: unit.module)
    }
  }

  private func recordSize(_ what: String, _ size: @autoclosure () throws -> UInt64) throws -> Int {
    site.subject.tensor = nil
    let size = try size()
    guard size <= Survey.largestRecord else {
      throw site.failure("wants \(what) of \(size) bytes, more than the limit of \(Survey.largestRecord)")
    }
    return Int(size)
  }
}

extension CallArguments {
  fileprivate init(_ unit: MergeUnit, number: Int = 0, in memory: any ContractMemory) {
    self.init(table: unit.lent(in: memory), number: number)
  }
}
