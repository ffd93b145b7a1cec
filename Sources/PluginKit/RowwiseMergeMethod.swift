/// A merge method in which a row of the result depends only on that row of the inputs, once every input has been looked at by
/// itself.
///
/// The host passes the matrices one after the other to ``note(_:in:)``, and then some rows of all of them at a time to
/// ``merge(_:rows:notes:into:)``, so that only these are in memory.
public protocol RowwiseMergeMethod: MergeMethod {
  /// What merging some rows needs to know about an input's other rows; plain bytes.
  associatedtype Note: BitwiseCopyable

  /// Whether ``note(_:in:)`` reads ``MergeInput/rows`` and never ``MergeInput/matrix``: then not even a single matrix has to
  /// be entirely in memory. False by default.
  static var readsRows: Bool { get }

  /// Whether the parameters allow merging by rows; true by default.
  var mergesRows: Bool { get }

  /// Examines one input, all of whose rows are available; the others of the unit are empty.
  func note(_ input: MergeInput, in unit: MergeUnit) throws -> Note

  /// Fills `output`, which overlaps no input, with some rows of the merged matrix.
  ///
  /// - Parameters:
  ///   - unit: The inputs, each with the same rows as `output`.
  ///   - firstRow: The index of the first of these rows in the whole matrix.
  ///   - notes: The notes of the unit's inputs, in order.
  ///   - output: The rows to fill.
  func merge(_ unit: MergeUnit, rows firstRow: Int, notes: [Note], into output: MutableMatrixView) throws
}

extension RowwiseMergeMethod {
  public static var readsRows: Bool { false }
  public var mergesRows: Bool { true }

  /// All rows at once.
  public func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    try merge(unit, rows: 0, notes: unit.inputs.map { try note($0, in: unit) }, into: output)
  }

  fileprivate var noteSize: UInt64 { mergesRows ? UInt64(MemoryLayout<Note>.stride) : 0 }

  fileprivate func note(_ unit: MergeUnit, place: Int, into target: UnsafeMutableRawPointer) throws {
    guard let input = unit.inputs.first(where: { $0.place == place }) else {
      throw PluginError("there is no input \(place)", status: .invalidArgument)
    }
    target.storeBytes(of: try note(input, in: unit), as: Note.self)
  }

  fileprivate func mergeRows(
    _ unit: MergeUnit, from firstRow: UInt64, _ notes: UnsafeRawPointer, into output: MutableMatrixView
  ) throws {
    guard let first = Int(exactly: firstRow) else {
      throw PluginError("there is no row \(firstRow)", status: .invalidArgument)
    }
    let notes = unit.inputs.map { notes.load(fromByteOffset: $0.place * MemoryLayout<Note>.stride, as: Note.self) }
    try merge(unit, rows: first, notes: notes, into: output)
  }
}

/// Adds the functions for rows to the table of a method that has them.
func addRows(_ type: any AnyMergeMethod.Type, to table: inout clues_merge_method) {
  guard let rowwise = type as? any RowwiseMergeMethod.Type else { return }
  if rowwise.readsRows { table.flags |= CLUES_MERGE_READS_ROWS.rawValue }
  table.note_size = { pointer in
    guard let pointer else { return 0 }
    let instance = Unmanaged<Instance>.fromOpaque(pointer).takeUnretainedValue()
    return (instance.entry as? any RowwiseMergeMethod)?.noteSize ?? 0
  }
  table.note = { pointer, unit, place, note in
    Instance.answer(pointer) { instance in
      guard let method = instance.entry as? any RowwiseMergeMethod, let unit, let note else { return }
      try method.note(MergeUnit(unit.pointee, host: instance.host), place: Int(place), into: note)
    }
  }
  table.merge_rows = { pointer, unit, firstRow, notes, output in
    Instance.answer(pointer) { instance in
      guard let method = instance.entry as? any RowwiseMergeMethod, let unit, let notes else { return }
      try method.mergeRows(
        MergeUnit(unit.pointee, host: instance.host), from: firstRow, notes, into: MutableMatrixView(output))
    }
  }
}
