import CKernels

/// Σ c·B·A as a dense matrix, [out, in], rounded to float32 once; a single term gives its ΔW.
///
/// Calculated in double precision, some rows at a time; the order of the terms changes no bit.
///
/// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, or when an entry is beyond float32.
public func delta(of terms: [Term]) throws -> Matrix<Float> {
  let (out, columns) = try commonSize(of: terms)
  let rows = try stackedRows(canonicalOrder(terms))
  let height = 128
  var panel = try Matrix<Double>(rows: min(height, out), columns: columns)
  return try Matrix<Float>(rows: out, columns: columns) { target in
    for top in stride(from: 0, to: out, by: height) {
      let lines = top..<min(top + height, out)
      try panel.set(rows: 0..<lines.count, to: rows.b.panel(columns: lines).transposed, times: rows.a.whole)
      panel.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        clues_f64_to_f32(from, to + top * columns, lines.count * columns)
      }
    }
  }.checkedFinite()
}
