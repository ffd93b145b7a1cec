import Diagnostics

/// An instance of a merge method in a worker.
final class RemoteMergeMethod: MergeMethodInstance {
  private let lease: WorkerLease

  init(_ lease: WorkerLease) { self.lease = lease }

  /// The result of ``noteSize()``; the plugin is only called once.
  private var noteBytes: Int?

  func noteSize() throws -> Int? {
    if noteBytes == nil {
      lease.subject.tensor = nil
      let size = try lease.unpack(.noteSize, WireWriter(), room: 64) { try $0.integer() }
      guard size >= 0, size <= Survey.largestRecord else {
        throw Failure(.pluginFailed, "plugin '\(lease.plugin)' wants notes of an impossible size")
      }
      noteBytes = size
    }
    return noteBytes == 0 ? nil : noteBytes
  }

  /// The worker receives the complete input, assembled in the memory that it shares with the host.
  func note(
    _ unit: MergeUnit, input: Int, reading read: @escaping MergeUnit.RowReader, into note: UnsafeMutableRawPointer
  ) throws {
    lease.subject.tensor = unit.module
    let size = try noteSize() ?? 0
    var payload = WireWriter()
    payload.add(unit)
    payload.add(input)
    payload.lend(note, count: size)
    payload.lend(count: unit.rows * unit.columns * MemoryLayout<Float>.size) { target in
      try read(0..<unit.rows, target.assumingMemoryBound(to: Float.self))
    }
    try lease.call(.note, payload, room: size) { try fill(note, size, from: $0) }
  }

  func mergeRows(
    _ unit: MergeUnit, from firstRow: Int, notes: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>
  ) throws {
    lease.subject.tensor = unit.module
    var payload = WireWriter()
    payload.add(unit)
    payload.add(firstRow)
    payload.lend(notes, count: (try noteSize() ?? 0) * unit.inputs.count)
    let size = unit.rows * unit.columns * MemoryLayout<Float>.size
    try lease.call(.mergeRows, payload, room: size) { try fill(output, size, from: $0) }
  }

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    lease.subject.tensor = unit.module
    var payload = WireWriter()
    payload.add(unit)
    let coefficients = try lease.unpack(.coefficients, payload, room: 64 + 8 * unit.inputs.count) { try $0.doubles() }
    guard coefficients.count == unit.inputs.count, coefficients.allSatisfy(\.isFinite) else {
      throw Failure(
        .pluginFailed, "plugin '\(lease.plugin)' gave a coefficient that is not a finite number", tensor: unit.module)
    }
    return coefficients
  }

  func surveySize(clients: Int) throws -> Int {
    lease.subject.tensor = nil
    var payload = WireWriter()
    payload.add(clients)
    let size = try lease.unpack(.surveySize, payload, room: 64) { try $0.integer() }
    guard size >= 0, size <= Survey.largestRecord else {
      throw Failure(.pluginFailed, "plugin '\(lease.plugin)' wants a survey of an impossible size")
    }
    return size
  }

  func survey(_ unit: MergeUnit, pass: Int, into record: SurveyRecord) throws {
    lease.subject.tensor = unit.module
    var payload = WireWriter()
    payload.add(unit)
    payload.add(pass)
    payload.add(record)
    try update(record, by: .survey, payload)
  }

  func combine(_ record: SurveyRecord, with other: SurveyRecord, pass: Int) throws {
    lease.subject.tensor = nil
    var payload = WireWriter()
    payload.add(pass)
    payload.add(other)
    payload.add(record)
    try update(record, by: .combine, payload)
  }

  /// Makes a call whose answer is the new content of a record.
  private func update(_ record: SurveyRecord, by call: WorkerCall, _ payload: WireWriter) throws {
    try lease.call(call, payload, room: record.size) { try fill(record.start, record.size, from: $0) }
  }

  func merge(_ unit: MergeUnit, into output: UnsafeMutablePointer<Float>) throws {
    lease.subject.tensor = unit.module
    var payload = WireWriter()
    payload.add(unit)
    let size = unit.rows * unit.columns * MemoryLayout<Float>.size
    try lease.call(.merge, payload, room: size) { try fill(output, size, from: $0) }
  }

  private func fill(_ target: UnsafeMutableRawPointer, _ size: Int, from answer: UnsafeRawBufferPointer) throws {
    guard answer.count == size else {
      throw Failure(.pluginFailed, "the worker of plugin '\(lease.plugin)' returned less than requested")
    }
    if size > 0 { target.copyMemory(from: answer.baseAddress!, byteCount: size) }
  }
}
