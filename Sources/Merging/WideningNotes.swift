import Adapters
import Diagnostics
import Tensors

/// Notes on tensors that are written as float32 although a 16-bit type was requested.
package func wideningNotes(
  _ modules: [MergedAdapter.Module], averaged: [(name: String, tensor: Tensor)], as dtype: DType
) -> [Note] {
  guard dtype.halfRoundoff != nil else { return [] }
  let widened = modules.filter { $0.b.dtype != dtype || ($0.bias.map { $0.dtype != dtype } ?? false) }.map(\.name)
  let replaced = averaged.filter { $0.tensor.dtype.isAdapterFloat && $0.tensor.dtype != dtype }.map(\.name)
  return [widening(of: Set(widened).sorted(), "module", dtype), widening(of: replaced, "tensor", dtype)].compactMap(
    \.self)
}

/// The note about tensors that keep a wider type than requested; nil if there are none.
func widening(of names: [String], _ what: String, _ dtype: DType) -> Note? {
  guard let first = names.first else { return nil }
  let rest = names.count == 1 ? "" : " and \(names.count - 1) more"
  return .warning(
    "written as float32, because \(dtype.torchName) would change \(names.count == 1 ? "it" : "them") by more than "
      + "rounding does: the \(what)\(names.count == 1 ? "" : "s") '\(first)'\(rest)")
}

extension MergeFigures {
  /// A warning if merged updates are so small that programs that multiply A and B in float32 get zeros; nil if none is.
  package var vanishingNote: Note? {
    let small = modules.filter { $0.energy > 0 && $0.energy.squareRoot() < Double(Float.leastNormalMagnitude) }
    guard let first = small.first else { return nil }
    let rest = small.count == 1 ? "" : " and of \(small.count - 1) more modules"
    return .warning(
      "the merged update of '\(first.module)'\(rest) is below the range of float32 (its norm is "
        + "\(short(first.energy.squareRoot()))): programs that multiply A and B in float32 get zeros")
  }
}
