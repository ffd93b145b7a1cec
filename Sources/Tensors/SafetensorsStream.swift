import Diagnostics
import Foundation

/// A safetensors file of which a piece at a time is read, for tensors that would not fit in memory.
///
/// A file on disk is read with `pread` and never mapped, so it costs neither memory nor address space.
public final class SafetensorsStream: Sendable {
  public let header: SafetensorsHeader
  private let entries: [String: SafetensorsHeader.Entry]
  private let source: Source
  private let name: String

  private enum Source {
    case file(Int32)
    case bytes(Bytes)
  }

  /// Opens a file on disk and reads its header.
  public convenience init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(.missingInput, "cannot be opened: \(systemMessage())", file: path)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(.missingInput, "is not a regular file", file: path)
    }
    try self.init(.file(descriptor), size: Int(status.st_size), name: path)
  }

  /// Reads from bytes in memory; `name` is for messages.
  public convenience init(_ bytes: Bytes, name: String) throws {
    try self.init(.bytes(bytes), size: bytes.count, name: name)
  }

  private init(_ source: Source, size: Int, name: String) throws {
    self.source = source
    self.name = name
    do {
      header = try locating(file: name) {
        var start = [UInt8](repeating: 0, count: min(8, size))
        try start.withUnsafeMutableBytes { try Self.read(source, 0, into: $0) }
        var text = [UInt8](repeating: 0, count: try SafetensorsHeader.length(start, fileSize: size))
        try text.withUnsafeMutableBytes { try Self.read(source, 8, into: $0) }
        return try text.withUnsafeBytes { try SafetensorsHeader($0, fileSize: size) }
      }
    } catch {
      if case .file(let descriptor) = source { close(descriptor) }
      throw error
    }
    entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
  }

  deinit {
    if case .file(let descriptor) = source { close(descriptor) }
  }

  /// The shape of a tensor, or nil when there is none of this name.
  public func shape(of tensor: String) -> [Int]? { entries[tensor]?.shape }

  /// Reads the elements of a range, counted in row-major order, as float32; `target` has room for them.
  public func read(_ tensor: String, _ range: Range<Int>, into target: UnsafeMutablePointer<Float>) throws {
    guard let entry = entries[tensor] else { throw Failure(.badData, "is missing", file: name, tensor: tensor) }
    let size = entry.dtype.size
    precondition(range.upperBound * size <= entry.range.count, "a read leaves its tensor")
    try locating(file: name, tensor: tensor) {
      let offset = entry.range.lowerBound + range.lowerBound * size
      if entry.dtype == .f32 {
        return try Self.read(
          source, offset, into: UnsafeMutableRawBufferPointer(start: target, count: range.count * size))
      }
      try withUnsafeTemporaryAllocation(byteCount: range.count * size, alignment: 8) { raw in
        try Self.read(source, offset, into: raw)
        if let start = raw.baseAddress { try convert(start, entry.dtype, count: range.count, into: target) }
      }
    }
  }

  /// A whole tensor as it is stored, for small ones.
  public func tensor(_ tensor: String) throws -> Tensor? {
    guard let entry = entries[tensor] else { return nil }
    var bytes = [UInt8](repeating: 0, count: entry.range.count)
    try bytes.withUnsafeMutableBytes { try Self.read(source, entry.range.lowerBound, into: $0) }
    return Tensor(dtype: entry.dtype, shape: entry.shape, bytes: Bytes(bytes))
  }

  private static func read(_ source: Source, _ offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
    switch source {
    case .bytes(let bytes):
      bytes[offset..<offset + target.count].withUnsafeBytes { target.copyMemory(from: $0) }
    case .file(let descriptor):
      var done = 0
      while done < target.count, let start = target.baseAddress {
        let count = pread(descriptor, start + done, target.count - done, off_t(offset + done))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          throw Failure(
            .badData, count == 0 ? "became shorter while it was read" : "cannot be read: \(systemMessage())")
        }
        done += count
      }
    }
  }
}
