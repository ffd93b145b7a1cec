import CKernels
import Diagnostics

/// A dense row-major array in a file: its type, its shape, and its bytes in place.
public struct Tensor: Sendable {
  public let dtype: DType
  public let shape: [Int]
  public let bytes: Bytes

  /// - precondition: `bytes` holds exactly the elements of `shape`.
  public init(dtype: DType, shape: [Int], bytes: Bytes) {
    precondition(shape.reduce(dtype.size, *) == bytes.count, "a tensor's bytes do not fit its shape")
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
  }

  /// Float32 values, stored in `dtype` by rounding to nearest.
  public init(_ values: [Float], shape: [Int], dtype: DType = .f32) {
    self.init(dtype: dtype, shape: shape, bytes: Bytes(encode(values, as: dtype)))
  }

  /// The number of elements.
  public var count: Int { bytes.count / dtype.size }

  /// The elements as float32; float64 is rounded.
  ///
  /// - throws: ``Failure`` `badData` for types that adapters cannot have.
  public func floats() throws -> [Float] { try floats(in: 0..<count) }

  /// The elements of a range, counted in row-major order, as float32.
  public func floats(in range: Range<Int>) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: range.count) { buffer, initialized in
      if let start = buffer.baseAddress { try load(range, into: start) }
      initialized = range.count
    }
  }

  /// Converts the elements of a range to float32 at `target`, which has room for them.
  public func load(_ range: Range<Int>, into target: UnsafeMutablePointer<Float>) throws {
    if dtype == .f32 { return try bytes[range.lowerBound * 4..<range.upperBound * 4].copy(to: target) }
    let most = min(Self.piece, range.count)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: most * dtype.size, alignment: 64)
    defer { room.deallocate() }
    guard let start = room.baseAddress else { return }
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.piece) {
      let length = min(Self.piece, range.upperBound - first)
      try bytes[first * dtype.size..<(first + length) * dtype.size].copy(to: start)
      try convert(start, dtype, count: length, into: target + (first - range.lowerBound))
    }
  }

  /// The number of elements converted at a time, so that they stay in the cache.
  private static let piece = 1 << 14

  /// The elements as 64-bit integers, for counts and ids.
  public func integers() throws -> [Int64] {
    try bytes.withUnsafeBytes { source in
      try (0..<count).map { index in
        switch dtype {
        case .i64: source.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
        case .i32: Int64(source.loadUnaligned(fromByteOffset: index * 4, as: Int32.self))
        case .i16: Int64(source.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
        case .i8: Int64(source.loadUnaligned(fromByteOffset: index, as: Int8.self))
        case .u8, .bool: Int64(source[index])
        case .u16: Int64(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
        case .u32: Int64(source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
        default: throw Failure(.badData, "holds \(dtype.torchName) instead of integers")
        }
      }
    }
  }

  /// Whether no element is NaN or infinite, in its own type.
  public func isFinite() throws -> Bool {
    if dtype == .f64 {
      return bytes.withUnsafeBytes { source in
        (0..<count).allSatisfy { source.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self).isFinite }
      }
    }
    return try floats().withUnsafeBufferPointer { values in
      values.baseAddress.map { clues_all_finite($0, values.count) != 0 } ?? true
    }
  }
}

/// The little-endian bytes of float32 values in another float type, rounded to nearest, ties to even.
///
/// - precondition: `dtype.isAdapterFloat`.
public func encode(_ values: [Float], as dtype: DType) -> [UInt8] {
  precondition(dtype.isAdapterFloat, "float32 cannot be written as \(dtype)")
  return values.withUnsafeBufferPointer { source in
    [UInt8](unsafeUninitializedCapacity: source.count * dtype.size) { buffer, initialized in
      initialized = source.count * dtype.size
      guard let start = source.baseAddress, let target = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
      switch dtype {
      case .f32: target.copyMemory(from: start, byteCount: initialized)
      case .f16: clues_f32_to_f16(start, target.bindMemory(to: UInt16.self, capacity: source.count), source.count)
      case .bf16: clues_f32_to_bf16(start, target.bindMemory(to: UInt16.self, capacity: source.count), source.count)
      default:
        for (index, value) in source.enumerated() {
          target.storeBytes(of: Double(value), toByteOffset: index * 8, as: Double.self)
        }
      }
    }
  }
}

/// Converts `count` little-endian elements, possibly unaligned, to float32; float64 is rounded.
///
/// - throws: ``Failure`` `badData` for types that adapters cannot have.
func convert(
  _ source: UnsafeRawPointer, _ dtype: DType, count: Int, into target: UnsafeMutablePointer<Float>
) throws {
  switch dtype {
  case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
  case .f16: clues_f16_to_f32(source, target, count)
  case .bf16: clues_bf16_to_f32(source, target, count)
  case .f64: clues_f64_to_f32(source, target, count)
  default:
    throw Failure(
      .badData, "holds \(dtype.torchName), a type that adapters cannot be merged in",
      advice: "convert it to float32, float16 or bfloat16 first")
  }
}
