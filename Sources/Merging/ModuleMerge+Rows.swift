import CKernels
import Diagnostics
import LowRank
import PluginHost
import Threads

// Of matrices that are merged by rows, only a band is in memory: a few rows of all clients, few enough for the cache. The
// number of rows depends only on the module and the number of clients, and no result depends on it.

extension ModuleMerge {
  /// One part of all clients, merged: by rows if the method supports that, else whole.
  package func merge(_ part: MergeUnit.Part, weights: [Double]? = nil) throws -> Matrix<Float> {
    guard let size = try methods.lend({ try $0.noteSize() }) else {
      return try merge(matrices(part), part: part, weights: weights)
    }
    let inputs = try moduleInputs.map { try ShareRows($0, part) }
    let notes = UnsafeMutableRawPointer.allocate(byteCount: size * moduleInputs.count, alignment: 64)
    defer { notes.deallocate() }
    notes.initializeMemory(as: UInt8.self, repeating: 0, count: size * moduleInputs.count)
    // Unchecked because each thread writes the note of its own input.
    nonisolated(unsafe) let shared = notes
    _ = try inParallel(moduleInputs.count, threads: threads) { index in
      try note(index, inputs[index], part, weights, into: shared + index * size)
    }
    return try Matrix(rows: inputs[0].rows, columns: inputs[0].columns) { target in
      guard let output = target.baseAddress else { return }
      try mergeRows(of: inputs, part, weights, UnsafeRawPointer(notes), into: output)
    }
  }

  /// Shows the method one client's matrix.
  private func note(
    _ index: Int, _ input: ShareRows, _ part: MergeUnit.Part, _ weights: [Double]?,
    into note: UnsafeMutableRawPointer
  ) throws {
    try Interruption.check()
    var unit = unit(part: part, weights: weights)
    (unit.rows, unit.columns) = (input.rows, input.columns)
    try methods.lend {
      try $0.note(unit, input: index, reading: { try input.read($0, into: $1) }, into: note)
    }
  }

  private func mergeRows(
    of inputs: [ShareRows], _ part: MergeUnit.Part, _ weights: [Double]?, _ notes: UnsafeRawPointer,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let (rows, columns) = (inputs[0].rows, inputs[0].columns)
    // Enough rows at a time that threads rarely ask for more.
    let stretch = max(1, 128 / bandHeight(columns)) * bandHeight(columns)
    // Unchecked because the notes are only read from here on, and each thread writes its own rows.
    nonisolated(unsafe) let (notes, output) = (notes, output)
    _ = try inParallel((rows + stretch - 1) / stretch, threads: threads) { index in
      let lines = index * stretch..<min((index + 1) * stretch, rows)
      try forEachBand(of: inputs, in: lines, part, weights) { band, unit in
        let target = output + band.lowerBound * columns
        try methods.lend { try $0.mergeRows(unit, from: band.lowerBound, notes: notes, into: target) }
        try checkFinite(target, count: band.count * columns)
      }
    }
  }

  /// Shows one part of all clients to the survey: by rows if the method supports that, else whole.
  package func survey(_ part: MergeUnit.Part, weights: [Double]? = nil, pass: Int, into record: SurveyRecord) throws {
    guard settings.method.surveysRows else {
      return try survey(matrices(part), part: part, weights: weights, pass: pass, into: record)
    }
    let inputs = try moduleInputs.map { try ShareRows($0, part) }
    try forEachBand(of: inputs, in: 0..<inputs[0].rows, part, weights) { _, unit in
      try methods.lend { try $0.survey(unit, pass: pass, into: record) }
    }
  }

  /// Calls `body` for one band after another with the unit of its rows.
  private func forEachBand(
    of inputs: [ShareRows], in lines: Range<Int>, _ part: MergeUnit.Part, _ weights: [Double]?,
    _ body: (Range<Int>, MergeUnit) throws -> Void
  ) throws {
    var unit = unit(part: part, weights: weights)
    unit.columns = inputs[0].columns
    let height = min(bandHeight(unit.columns), lines.count)
    let size = height * unit.columns
    let room = UnsafeMutablePointer<Float>.allocate(capacity: max(1, size * inputs.count))
    defer { room.deallocate() }
    for first in stride(from: lines.lowerBound, to: lines.upperBound, by: max(1, height)) {
      try Interruption.check()
      let band = first..<min(first + height, lines.upperBound)
      unit.rows = band.count
      for (index, input) in inputs.enumerated() {
        try input.read(band, into: room + index * size)
        unit.inputs[index].values = UnsafePointer(room + index * size)
      }
      try body(band, unit)
    }
  }

  /// The number of rows in a band. A product handles eight rows at once; four take as long, but half the memory, which matters
  /// with many clients.
  private func bandHeight(_ columns: Int) -> Int {
    max(4, bandElements / max(1, columns * moduleInputs.count) & ~7)
  }
}
