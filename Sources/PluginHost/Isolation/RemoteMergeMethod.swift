import Diagnostics

/// A merge method at work in a worker.
final class RemoteMergeMethod: MergeMethodInstance {
  private let lease: WorkerLease

  init(_ lease: WorkerLease) { self.lease = lease }

  /// What ``noteSize()`` said; the plugin is asked once.
  private var noteBytes: Int?

  func noteSize() throws -> Int? {
    if noteBytes == nil {
      lease.subject.tensor = nil
      let size = try lease.unpack(.noteSize, Parcel(), room: 64) { try $0.integer() }
      guard size >= 0, size <= Survey.largestRecord else {
        throw Failure(.pluginFailed, "plugin '\(lease.plugin)' wants notes of a size that cannot be")
      }
      noteBytes = size
    }
    return noteBytes == 0 ? nil : noteBytes
  }

  /// The worker gets the input whole, in the memory that it shares with the host: only there it is whole.
  func note(
    _ unit: MergeUnit, input: Int, reading read: @escaping MergeUnit.RowReader, into note: UnsafeMutableRawPointer
  ) throws {
    lease.subject.tensor = unit.module
    let size = try noteSize() ?? 0
    var parcel = Parcel()
    parcel.add(unit)
    parcel.add(input)
    parcel.lend(note, count: size)
    parcel.lend(count: unit.rows * unit.columns * MemoryLayout<Float>.size) { target in
      try read(0..<unit.rows, target.assumingMemoryBound(to: Float.self))
    }
    try lease.call(.note, parcel, room: size) { try fill(note, size, from: $0) }
  }

  func mergeRows(
    _ unit: MergeUnit, from firstRow: Int, notes: UnsafeRawPointer, into output: UnsafeMutablePointer<Float>
  ) throws {
    lease.subject.tensor = unit.module
    var parcel = Parcel()
    parcel.add(unit)
    parcel.add(firstRow)
    parcel.lend(notes, count: (try noteSize() ?? 0) * unit.inputs.count)
    let size = unit.rows * unit.columns * MemoryLayout<Float>.size
    try lease.call(.mergeRows, parcel, room: size) { try fill(output, size, from: $0) }
  }

  func coefficients(_ unit: MergeUnit) throws -> [Double] {
    lease.subject.tensor = unit.module
    var parcel = Parcel()
    parcel.add(unit)
    let coefficients = try lease.unpack(.coefficients, parcel, room: 64 + 8 * unit.inputs.count) { try $0.doubles() }
    guard coefficients.count == unit.inputs.count, coefficients.allSatisfy(\.isFinite) else {
      throw Failure(
        .pluginFailed, "plugin '\(lease.plugin)' gave a coefficient that is not a finite number", tensor: unit.module)
    }
    return coefficients
  }

  func surveySize(clients: Int) throws -> Int {
    lease.subject.tensor = nil
    var parcel = Parcel()
    parcel.add(clients)
    let size = try lease.unpack(.surveySize, parcel, room: 64) { try $0.integer() }
    guard size >= 0, size <= Survey.largestRecord else {
      throw Failure(.pluginFailed, "plugin '\(lease.plugin)' wants a survey of a size that cannot be")
    }
    return size
  }

  func survey(_ unit: MergeUnit, pass: Int, into record: SurveyRecord) throws {
    lease.subject.tensor = unit.module
    var parcel = Parcel()
    parcel.add(unit)
    parcel.add(pass)
    parcel.add(record)
    try update(record, by: .survey, parcel)
  }

  func combine(_ record: SurveyRecord, with other: SurveyRecord, pass: Int) throws {
    lease.subject.tensor = nil
    var parcel = Parcel()
    parcel.add(pass)
    parcel.add(other)
    parcel.add(record)
    try update(record, by: .combine, parcel)
  }

  /// Makes a call whose answer is what becomes of a record.
  private func update(_ record: SurveyRecord, by call: WorkerCall, _ parcel: Parcel) throws {
    try lease.call(call, parcel, room: record.size) { try fill(record.start, record.size, from: $0) }
  }

  func merge(_ unit: MergeUnit, into output: UnsafeMutablePointer<Float>) throws {
    lease.subject.tensor = unit.module
    var parcel = Parcel()
    parcel.add(unit)
    let size = unit.rows * unit.columns * MemoryLayout<Float>.size
    try lease.call(.merge, parcel, room: size) { try fill(output, size, from: $0) }
  }

  private func fill(_ target: UnsafeMutableRawPointer, _ size: Int, from answer: UnsafeRawBufferPointer) throws {
    guard answer.count == size else {
      throw Failure(.pluginFailed, "the worker of plugin '\(lease.plugin)' answers less than it was asked for")
    }
    if size > 0 { target.copyMemory(from: answer.baseAddress!, byteCount: size) }
  }
}
