import CKernels
import Threads

/// A dense matrix M [out, in] in single precision that is multiplied in double precision, some rows at a time.
///
/// Threads divide the entries of a product, never the terms of a sum, so their number changes no bit.
struct DenseOperator {
  private let matrix: Matrix<Float>
  private let threads: Int
  private let height = 128
  private let width = 1024

  init(_ matrix: Matrix<Float>, threads: Int = 1) {
    self.matrix = matrix
    self.threads = threads
  }

  var out: Int { matrix.rows }
  var `in`: Int { matrix.columns }

  /// Y·Mᵀ, [k, out], for Y [k, in].
  func applied(to rows: Matrix<Double>) throws -> Matrix<Double> {
    let (count, out, columns) = (rows.rows, out, `in`)
    let turned = try Matrix<Double>(rows: columns, columns: clues_room_for_vectors(count)) { target in
      rows.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        clues_turn_vectors(from, count, columns, to)
      }
    }
    let result = try Matrix<Double>(rows: count, columns: out) { _ in }
    _ = try inParallel((out + height - 1) / height, threads: threads) { index in
      let lines = index * height..<min((index + 1) * height, out)
      // BLAS sums small products in another order, which is kept.
      guard lines.count * count * columns > 1 << 20 else {
        let widened = try Matrix<Double>(rows: lines.count, columns: columns) { _ in }
        withExtendedLifetime((matrix, widened)) {
          clues_f32_to_f64(matrix.start + lines.lowerBound * columns, widened.start, widened.count)
        }
        return try multiply(
          rows.whole, widened.whole.transposed, into: result.panel(columns: lines), accumulating: false)
      }
      withExtendedLifetime((matrix, result, turned)) {
        clues_multiply_with_rows(
          turned.start, count, matrix.start + lines.lowerBound * columns, lines.count, columns,
          result.start + lines.lowerBound, out)
      }
    }
    return result
  }

  /// Y·M, [k, in], for Y [k, out].
  func transposeApplied(to rows: Matrix<Double>) throws -> Matrix<Double> {
    let (out, columns) = (out, `in`)
    let result = try Matrix<Double>(rows: rows.rows, columns: columns)
    _ = try inParallel((columns + width - 1) / width, threads: threads) { index in
      let span = index * width..<min((index + 1) * width, columns)
      let widened = try Matrix<Double>(rows: min(height, out), columns: span.count) { _ in }
      for top in stride(from: 0, to: out, by: height) {
        let lines = top..<min(top + height, out)
        withExtendedLifetime((matrix, widened)) {
          for (row, line) in lines.enumerated() {
            clues_f32_to_f64(
              matrix.start + line * columns + span.lowerBound, widened.start + row * span.count, span.count)
          }
        }
        try multiply(
          rows.panel(columns: lines), widened.panel(rows: 0..<lines.count), into: result.panel(columns: span),
          accumulating: true)
      }
    }
    return result
  }

  /// ‖M‖²_F; not finite if a number of M is not.
  var energy: Double {
    matrix.withUnsafeBufferPointer { numbers in
      // Eight sums side by side, as the processor adds that many at once and rounding grows more slowly.
      var sums = SIMD8<Double>()
      let whole = numbers.count / 8 * 8
      for index in stride(from: 0, to: whole, by: 8) {
        var eight = SIMD8<Double>()
        for lane in 0..<8 { eight[lane] = Double(numbers[index + lane]) }
        sums += eight * eight
      }
      return numbers[whole...].reduce(sums.sum()) { $0 + Double($1) * Double($1) }
    }
  }
}
