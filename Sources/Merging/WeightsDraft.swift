import CKernels
import CLinux
import Diagnostics
import Files
import Foundation
import LowRank
import Synchronization
import Tensors

/// A safetensors file that is being written: every tensor goes to its position as soon as it is merged, from any thread.
///
/// So a merge holds only the current modules in memory, not its result. Checksums identify what was written.
package final class WeightsDraft: Sendable {
  private let path: String
  private let descriptor: Int32
  private let file: Bytes
  private let entries: [String: WeightsLayout.Entry]
  private let offsets: [String: Int]
  /// The checksums of what was written, by offset. Locked because several threads write at once.
  private let written = Mutex<[Int: UInt64]>([:])

  /// Gives the file its final size and writes the header.
  ///
  /// - parameters:
  ///   - descriptor: An empty file, to read and to write; closed with this object.
  ///   - path: Its name in messages.
  /// - throws: ``Failure`` `cannotWrite`, also when the disk has no room for the whole file.
  package init(_ layout: WeightsLayout, in descriptor: Int32, path: String) throws {
    self.path = path
    self.descriptor = descriptor
    entries = Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.name, $0) })
    offsets = Dictionary(uniqueKeysWithValues: zip(layout.entries.map(\.name), layout.offsets))
    do {
      file = try Self.allocate(layout.size, descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    try layout.header.withUnsafeBytes { try put($0, at: 0) }
  }

  deinit { close(descriptor) }

  /// Reserves room for the whole file and maps it.
  private static func allocate(_ size: Int, _ descriptor: Int32, _ path: String) throws -> Bytes {
    let fault = posix_fallocate(descriptor, 0, off_t(size))
    guard fault == 0 else {
      errno = fault
      throw Failure.cannotWrite(path)
    }
    return try Bytes(mapping: descriptor, path: path)
  }

  /// Whether every tensor of the layout has been written.
  package var isWhole: Bool { written.withLock { $0.count == entries.count } }

  /// Writes a matrix as a tensor.
  ///
  /// - returns: The tensor, its bytes in the file; nil if the layout has no place for it, and nothing was written.
  /// - throws: ``Failure`` `badData` when a number is too large for the type, `cannotWrite`.
  package func write(_ matrix: Matrix<Float>, shape: [Int], _ dtype: DType, to name: String) throws -> Tensor? {
    guard let entry = entries[name], entry.shape == shape, entry.dtype == dtype else { return nil }
    if dtype == .f32 {
      try matrix.withUnsafeBufferPointer { values in
        guard values.baseAddress.map({ clues_all_finite($0, values.count) != 0 }) ?? true else { throw tooLarge(dtype) }
        try write(UnsafeRawBufferPointer(values), to: name)
      }
    } else {
      try stored(matrix.elements, shape: shape, dtype).bytes.withUnsafeBytes { try write($0, to: name) }
    }
    guard let offset = offsets[name] else { return nil }
    return Tensor(dtype: dtype, shape: shape, bytes: file[offset..<offset + entry.byteCount])
  }

  /// The shape for which there is a place; nil if there is none.
  package func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// Whether every tensor fits its place in the layout.
  package func fits(_ tensors: [String: Tensor]) -> Bool {
    tensors.count == entries.count
      && tensors.allSatisfy { entries[$0]?.shape == $1.shape && entries[$0]?.dtype == $1.dtype }
  }

  /// Writes a tensor; returns it with its bytes in the file, or nil if the layout has no place for it.
  package func write(_ tensor: Tensor, to name: String) throws -> Tensor? {
    guard let entry = entries[name], entry.shape == tensor.shape, entry.dtype == tensor.dtype,
      let offset = offsets[name]
    else { return nil }
    try write(tensor.bytes, to: name)
    return Tensor(dtype: entry.dtype, shape: entry.shape, bytes: file[offset..<offset + entry.byteCount])
  }

  /// Writes the bytes of a tensor that has a place in the layout.
  package func write(_ bytes: Bytes, to name: String) throws { try bytes.withUnsafeBytes { try write($0, to: name) } }

  private func write(_ bytes: UnsafeRawBufferPointer, to name: String) throws {
    guard let offset = offsets[name] else { return }
    try put(bytes, at: offset)
    // Start writing to disk now, because the end of the run waits for it.
    clues_start_writing(descriptor, Int64(offset), Int64(bytes.count))
    let checksum = Self.checksum(of: bytes)
    written.withLock { $0[offset] = checksum }
  }

  /// Waits until everything is on disk.
  package func synchronize() throws { guard fsync(descriptor) == 0 else { throw Failure.cannotWrite(path) } }

  /// Whether a tensor that was read back is what was written for `meant`.
  package func matches(_ read: Tensor, _ meant: Tensor) -> Bool {
    guard read.dtype == meant.dtype, read.shape == meant.shape else { return false }
    guard let offset = meant.bytes.offset(in: file), let expected = written.withLock({ $0[offset] }) else {
      return same(read, meant)
    }
    read.bytes.fetch()
    return read.bytes.withUnsafeBytes(Self.checksum) == expected
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    guard writeAll(bytes, to: descriptor, at: offset) else { throw Failure.cannotWrite(path) }
  }

  private static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.baseAddress.map { clues_checksum($0, bytes.count) } ?? 0
  }
}

/// Numbers rounded to float32.
///
/// - throws: ``Failure`` `badData` if they are so small that float32 loses them.
func narrowed(_ numbers: [Double]) throws -> [Float] {
  guard !isLostInFloat32(numbers) else { throw Failure.belowFloat32 }
  return numbers.map { Float($0) }
}

/// Numbers other than factors, in the type in which they are written, or in float32 if the type changes them by more than
/// rounding explains because they are too small for it.
///
/// - throws: ``Failure`` `badData` when one is too large for the type.
func storedFaithfully(_ values: [Float], shape: [Int], _ dtype: DType) throws -> Tensor {
  let tensor = try stored(values, shape: shape, dtype)
  guard let tolerance = dtype.faithfulError, try roundingError(of: values, in: dtype) > tolerance else { return tensor }
  return try stored(values, shape: shape, .f32)
}

/// Merged numbers in the type in which they are written.
///
/// - throws: ``Failure`` `badData` when one is too large for the type.
func stored(_ values: [Float], shape: [Int], _ dtype: DType) throws -> Tensor {
  let tensor = Tensor(values, shape: shape, dtype: dtype)
  guard try tensor.isFinite() else { throw tooLarge(dtype) }
  return tensor
}

func tooLarge(_ dtype: DType) -> Failure {
  Failure(
    .badData, "the merged module has numbers too large for \(dtype.torchName)",
    advice: dtype == .f16
      ? "write it as bfloat16 or float32: output.dtype (--dtype)" : "lower the weights or the scaling")
}
