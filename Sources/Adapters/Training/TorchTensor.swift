import Diagnostics
import Tensors

/// A typed block of elements in a record of a ``TorchArchive``.
struct TorchStorage: Sendable {
  let record: TorchArchive.Record
  let dtype: DType

  /// The number of elements.
  var count: Int { record.bytes.count / dtype.size }

  /// Every tensor type of PyTorch that has had a storage class of its own.
  static let dtypes: [String: DType] = [
    "torch.DoubleStorage": .f64, "torch.FloatStorage": .f32, "torch.HalfStorage": .f16, "torch.BFloat16Storage": .bf16,
    "torch.LongStorage": .i64, "torch.IntStorage": .i32, "torch.ShortStorage": .i16, "torch.CharStorage": .i8,
    "torch.ByteStorage": .u8, "torch.BoolStorage": .bool,
  ]
}

/// A view of a storage, as `torch._utils._rebuild_tensor_v2` describes it, checked to lie inside.
struct TorchTensor: Sendable {
  let storage: TorchStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  /// The maximum number of axes. A weight has at most five, and a repetitive pickle can make many tensors from few bytes.
  static let maximumAxes = 8

  /// - parameter strides: In elements; no two elements may overlap.
  /// - throws: ``Failure`` `badData` when the view leaves its storage or overlaps itself.
  init(storage: TorchStorage, offset: Int, shape: [Int], strides: [Int]) throws {
    func failure(_ fault: String) -> Failure {
      Failure(.badData, "holds a tensor of shape \(shape) with strides \(strides) at \(offset) that \(fault)")
    }
    guard shape.count <= Self.maximumAxes else { throw Failure(.badData, "holds a tensor of \(shape.count) axes") }
    guard shape.count == strides.count else { throw failure("does not have one stride per axis") }
    guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
      throw failure("has a negative stride")
    }
    if !shape.contains(0) {
      var last = 0
      for (extent, stride) in zip(shape, strides).sorted(by: { $0.1 < $1.1 }) where extent > 1 {
        guard stride > last else { throw failure("overlaps itself") }
        let (reach, tooFar) = stride.multipliedReportingOverflow(by: extent - 1)
        let (end, pastEnd) = last.addingReportingOverflow(reach)
        if tooFar || pastEnd { throw failure("leaves its storage of \(storage.count) elements") }
        last = end
      }
      let (end, pastEnd) = last.addingReportingOverflow(offset)
      guard !pastEnd, end < storage.count else { throw failure("leaves its storage of \(storage.count) elements") }
    } else if offset > storage.count || !shape.allSatisfy({ $0 <= Int(Int32.max) }) || shape.count > 2 {
      throw failure("is empty but has an implausible offset or shape")
    }
    (self.storage, self.offset, self.shape, self.strides) = (storage, offset, shape, strides)
  }

  /// The number of elements, at most as many as the storage holds.
  var count: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }

  /// The elements in row-major order: in place if they are stored this way, else copied.
  func rowMajor() -> Tensor {
    let size = storage.dtype.size
    if count == 0 { return Tensor(dtype: storage.dtype, shape: shape, bytes: Bytes([])) }
    var dense = 1
    var isRowMajor = true
    for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
      if stride != dense { isRowMajor = false }
      dense *= extent
    }
    if isRowMajor {
      return Tensor(
        dtype: storage.dtype, shape: shape, bytes: storage.record.bytes[offset * size..<(offset + count) * size])
    }
    var copy: [UInt8] = []
    copy.reserveCapacity(count * size)
    storage.record.bytes.withUnsafeBytes { source in
      var index = [Int](repeating: 0, count: shape.count)
      for _ in 0..<count {
        let place = (zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }) * size
        copy.append(contentsOf: source[place..<place + size])
        for axis in shape.indices.reversed() {
          index[axis] += 1
          if index[axis] < shape[axis] { break }
          index[axis] = 0
        }
      }
    }
    return Tensor(dtype: storage.dtype, shape: shape, bytes: Bytes(copy))
  }
}
