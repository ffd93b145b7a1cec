import CKernels

/// Scales gradients so that their joint norm is at most `most`, like PyTorch's `clip_grad_norm_`; 0 leaves them unchanged.
///
/// - returns: The norm before clipping.
func clip(_ gradients: inout [[Float]], to most: Double) -> Double {
  let norm = gradients.reduce(0) { $0 + clues_inner_product($1, $1, $1.count) }.squareRoot()
  let scale = Float(most / (norm + 1e-6))
  guard most > 0, scale < 1 else { return norm }
  for place in gradients.indices {
    gradients[place].withUnsafeMutableBufferPointer { gradient in
      for element in gradient.indices { gradient[element] *= scale }
    }
  }
  return norm
}
