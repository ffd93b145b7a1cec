import CKernels

/// A dense matrix M [out, in] in single precision that is multiplied in double precision, some rows at a time.
struct DenseOperator {
  private let matrix: Matrix<Float>
  private let height = 128

  init(_ matrix: Matrix<Float>) { self.matrix = matrix }

  var out: Int { matrix.rows }
  var `in`: Int { matrix.columns }

  /// Y·Mᵀ, [k, out], for Y [k, in].
  func applied(to rows: Matrix<Double>) throws -> Matrix<Double> {
    var result = try Matrix<Double>(rows: rows.rows, columns: out)
    try forEachPanel { lines, panel in
      try result.set(columns: lines, to: rows.whole, times: panel.transposed)
    }
    return result
  }

  /// Y·M, [k, in], for Y [k, out].
  func transposeApplied(to rows: Matrix<Double>) throws -> Matrix<Double> {
    var result = try Matrix<Double>(rows: rows.rows, columns: `in`)
    try forEachPanel { lines, panel in
      try result.set(to: rows.panel(columns: lines), times: panel, accumulating: true)
    }
    return result
  }

  private func forEachPanel(_ body: (Range<Int>, Panel<Double>) throws -> Void) throws {
    var widened = try Matrix<Double>(rows: min(height, out), columns: `in`)
    for top in stride(from: 0, to: out, by: height) {
      let lines = top..<min(top + height, out)
      matrix.withUnsafeBufferPointer { source in
        widened.withUnsafeMutableBufferPointer { target in
          let first = lines.lowerBound * `in`
          guard let from = source.baseAddress, let to = target.baseAddress else { return }
          clues_f32_to_f64(from + first, to, lines.count * `in`)
        }
      }
      try body(lines, widened.panel(rows: 0..<lines.count))
    }
  }

  /// ‖M‖²_F.
  var energy: Double {
    matrix.withUnsafeBufferPointer { numbers in
      // Eight sums side by side, as the processor adds that many at once and rounding grows more slowly.
      var sums = SIMD8<Double>()
      let whole = numbers.count / 8 * 8
      for place in stride(from: 0, to: whole, by: 8) {
        var eight = SIMD8<Double>()
        for lane in 0..<8 { eight[lane] = Double(numbers[place + lane]) }
        sums += eight * eight
      }
      return numbers[whole...].reduce(sums.sum()) { $0 + Double($1) * Double($1) }
    }
  }
}
