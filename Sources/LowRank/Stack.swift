import CKernels
import Diagnostics
import Tensors

/// The exact sum of terms, as factors of rank Σ r: the Bs side by side and the As stacked.
///
/// The coefficients go into B, so A keeps its bits; so does B where the coefficient is 1. FLoRA (arXiv 2409.05976)
/// aggregates clients this way.
///
/// - returns: B [out, Σ r] and A [Σ r, in], in the order of the terms.
/// - throws: ``Failure`` `badData` when there is no term, when their sizes differ, or when c·B is beyond float32.
public func stack(_ terms: [Term]) throws -> Factors {
  let (out, columns) = try commonSize(of: terms)
  let rank = terms.reduce(0) { $0 + $1.rank }
  var isSmall = false
  let b = try Matrix<Float>(rows: out, columns: rank) { target in
    var left = 0
    for term in terms {
      term.b.withUnsafeBufferPointer { source in
        for row in 0..<out {
          for column in 0..<term.rank {
            let scaled = term.coefficient * Double(source[row * term.rank + column])
            if scaled != 0, scaled.magnitude < Double(Float.leastNormalMagnitude) { isSmall = true }
            target.initializeElement(at: row * rank + left + column, to: Float(scaled))
          }
        }
      }
      left += term.rank
    }
  }
  let a = try Matrix<Float>(rows: rank, columns: columns) { target in
    var top = 0
    for term in terms {
      term.a.withUnsafeBufferPointer { source in
        _ = UnsafeMutableBufferPointer(rebasing: target[top * columns..<(top + term.rank) * columns])
          .initialize(fromContentsOf: source)
      }
      top += term.rank
    }
  }
  let factors = try Factors(b: b.checkedFinite(), a: a)
  if isSmall { try checkStacked(terms, as: factors) }
  return factors
}

/// Refuses stacked factors if float32 loses more of their product than rounding explains.
///
/// A column of B counts as much as the row of A by which it is multiplied.
private func checkStacked(_ terms: [Term], as factors: Factors) throws {
  var (energy, lost) = (0.0, 0.0)
  var place = 0
  for term in terms {
    for index in 0..<term.rank {
      let weight = (0..<factors.in).reduce(0.0) { $0 + square(Double(factors.a[place, $1])) }
      for row in 0..<factors.out {
        let exact = term.coefficient * Double(term.b[row, index])
        energy += weight * square(exact)
        lost += weight * square(Double(factors.b[row, place]) - exact)
      }
      place += 1
    }
  }
  guard lost <= faithfulNarrowing * faithfulNarrowing * energy else { throw Failure.belowFloat32 }
}

private func square(_ number: Double) -> Double { number * number }

/// The stacked factors in double precision, both with one row per unit of rank: (c·B)ᵀ [Σ r, out] and A [Σ r, in].
func stackedRows(_ terms: [Term]) throws -> (b: Matrix<Double>, a: Matrix<Double>) {
  let (out, columns) = try commonSize(of: terms)
  let rank = terms.reduce(0) { $0 + $1.rank }
  let b = try Matrix<Double>(rows: rank, columns: out) { target in
    var top = 0
    for term in terms {
      let rows = UnsafeMutableBufferPointer(rebasing: target[top * out..<(top + term.rank) * out])
      let coefficient = term.coefficient
      term.b.withUnsafeBufferPointer {
        transpose($0, rows: out, columns: term.rank, into: rows) { coefficient * Double($0) }
      }
      top += term.rank
    }
  }
  let a = try Matrix<Double>(rows: rank, columns: columns) { target in
    var place = 0
    for term in terms {
      term.a.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        clues_f32_to_f64(from, to + place, source.count)
        place += source.count
      }
    }
  }
  return (b, a)
}
