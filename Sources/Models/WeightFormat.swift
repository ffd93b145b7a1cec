import CKernels
import Tensors

/// The storage types of weights: plain floats, and ggml's blocks of quantized levels with a common scale.
package enum WeightFormat: String, Sendable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q40 = "Q4_0"
  case q41 = "Q4_1"
  case q80 = "Q8_0"
  case q4k = "Q4_K"
  case q6k = "Q6_K"

  /// The type of floats in a safetensors file; nil for types in which no model is stored.
  package init?(_ dtype: DType) {
    switch dtype {
    case .f32: self = .f32
    case .f16: self = .f16
    case .bf16: self = .bf16
    default: return nil
    }
  }

  /// The number of elements that are stored together.
  package var blockLength: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q40, .q41, .q80: 32
    case .q4k, .q6k: 256
    }
  }

  /// Their size in bytes.
  package var blockSize: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .q40: 18
    case .q41: 20
    case .q80: 34
    case .q4k: 144
    case .q6k: 210
    }
  }

  /// The size in bytes of a tensor whose rows, along the last of `extents`, are whole blocks; nil if they are not, or if it is
  /// larger than any memory.
  package func byteCount(of extents: [Int]) -> Int? {
    guard let columns = extents.last, columns % blockLength == 0 else { return nil }
    var size = columns / blockLength
    for factor in extents.dropLast() + [blockSize] {
      let (product, overflow) = size.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      size = product
    }
    return size
  }

  /// Writes `count` elements, a whole number of blocks without alignment, as float32.
  func widen(_ source: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>) {
    switch self {
    case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
    case .f16: clues_f16_to_f32(source, target, count)
    case .bf16: clues_bf16_to_f32(source, target, count)
    case .q40: clues_q4_0_to_f32(source, target, count)
    case .q41: clues_q4_1_to_f32(source, target, count)
    case .q80: clues_q8_0_to_f32(source, target, count)
    case .q4k: clues_q4_k_to_f32(source, target, count)
    case .q6k: clues_q6_k_to_f32(source, target, count)
    }
  }
}
