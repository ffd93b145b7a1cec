import Diagnostics
import LowRank
import PluginHost

extension ModuleMerge {
  /// One side of all clients: whole, or where they are not held and the method can do it, some rows at a time.
  func mergeSide(_ part: MergeUnit.Part, _ weights: [Double]) throws -> Matrix<Float> {
    guard shares.contains(where: { !$0.isHeld && !$0.isAbsent }), let size = try method.noteSize() else {
      return try merge(factors(part), part: part, weights: weights)
    }
    var unit = unit(part: part, weights: weights)
    unit.columns = part == .a ? shares[0].inputs : shares[0].rank
    let rows = part == .a ? shares[0].rank : shares[0].outputs
    let notes = UnsafeMutableRawPointer.allocate(byteCount: size * shares.count, alignment: 64)
    defer { notes.deallocate() }
    notes.initializeMemory(as: UInt8.self, repeating: 0, count: size * shares.count)
    for place in shares.indices { try note(place, unit, part, into: notes + place * size) }
    return try checked(
      Matrix(rows: rows, columns: unit.columns) { target in
        if let output = target.baseAddress { try mergeRows(rows, unit, part, notes, into: output) }
      })
  }

  /// Shows the method one client's side, whole.
  private func note(
    _ place: Int, _ unit: MergeUnit, _ part: MergeUnit.Part, into note: UnsafeMutableRawPointer
  ) throws {
    let factor = try shares[place].factor(part)
    var unit = unit
    unit.rows = factor.rows
    try factor.withUnsafeBufferPointer {
      unit.inputs[place].values = $0.baseAddress
      try method.note(unit, input: place, into: note)
    }
  }

  /// Merges piece after piece of all clients' rows.
  private func mergeRows(
    _ rows: Int, _ unit: MergeUnit, _ part: MergeUnit.Part, _ notes: UnsafeRawPointer,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    var unit = unit
    let height = max(1, min(rows, blockElements / max(1, unit.columns * shares.count)))
    let size = height * unit.columns
    let room = UnsafeMutablePointer<Float>.allocate(capacity: max(1, size * shares.count))
    defer { room.deallocate() }
    for first in stride(from: 0, to: rows, by: height) {
      try Interruption.check()
      let lines = first..<min(first + height, rows)
      unit.rows = lines.count
      for (place, share) in shares.enumerated() {
        try share.read(lines, of: part, into: room + place * size)
        unit.inputs[place].values = UnsafePointer(room + place * size)
      }
      try method.mergeRows(unit, from: first, notes: notes, into: output + first * unit.columns)
    }
  }
}
