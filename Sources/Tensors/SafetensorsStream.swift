import Diagnostics
import Files
import Glibc

/// A safetensors file that is read piece by piece, for tensors that would not fit in memory.
///
/// A file on disk is read with `pread` and never mapped, so it costs neither memory nor address space.
public final class SafetensorsStream: Sendable {
  public let header: SafetensorsHeader
  private let entries: [String: SafetensorsHeader.Entry]
  private let source: Source
  private let name: String

  private enum Source {
    /// Opened for each read, because a run may have more files than a process may hold open.
    case file(FileIdentity)
    case bytes(Bytes)
  }

  /// Opens a file on disk and reads its header.
  public convenience init(path: String, limits: Limits = Limits()) throws {
    let identity = try FileIdentity(path)
    try self.init(.file(identity), size: identity.size, name: path, limits)
  }

  /// Reads from bytes in memory; `name` is for messages.
  public convenience init(_ bytes: Bytes, name: String, limits: Limits = Limits()) throws {
    try self.init(.bytes(bytes), size: bytes.count, name: name, limits)
  }

  private init(_ source: Source, size: Int, name: String, _ limits: Limits) throws {
    self.source = source
    self.name = name
    header = try locating(file: name) {
      var start = [UInt8](repeating: 0, count: min(8, size))
      try start.withUnsafeMutableBytes { try Self.read(source, 0, into: $0) }
      var text = [UInt8](repeating: 0, count: try SafetensorsHeader.length(start, fileSize: size, limits: limits))
      try text.withUnsafeMutableBytes { try Self.read(source, 8, into: $0) }
      return try text.withUnsafeBytes { try SafetensorsHeader($0, fileSize: size, limits: limits) }
    }
    entries = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0) })
  }

  /// The shape of a tensor, or nil if there is none of this name.
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

  /// A whole tensor as stored, for small ones.
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
    case .file(let identity):
      let descriptor = try identity.open()
      defer { close(descriptor) }
      try readAll(descriptor, at: offset, into: target)
    }
  }
}

/// A file that is opened repeatedly and must not change in between.
private struct FileIdentity {
  private let path: String
  private let device: dev_t
  private let inode: ino_t
  private let changed: timespec
  let size: Int

  init(_ path: String) throws {
    let descriptor = try openToRead(path)
    defer { close(descriptor) }
    let status = try locating(file: path) { try regularStatus(of: descriptor) }
    self.path = path
    (device, inode, changed, size) = (status.st_dev, status.st_ino, status.st_mtim, Int(status.st_size))
  }

  /// A descriptor of the file, which the caller closes.
  func open() throws -> Int32 {
    let descriptor = try openToRead(path)
    do {
      let now = try regularStatus(of: descriptor)
      guard now.st_dev == device, now.st_ino == inode, Int(now.st_size) == size,
        now.st_mtim.tv_sec == changed.tv_sec, now.st_mtim.tv_nsec == changed.tv_nsec
      else { throw Failure(.badData, "was changed while it was read") }
      return descriptor
    } catch {
      close(descriptor)
      throw (error as? Failure)?.at(file: path) ?? error
    }
  }
}
