import Diagnostics
import Foundation

/// Immutable bytes in memory or in a mapped file; slices share the storage and keep it alive.
public struct Bytes: Sendable {
  private let storage: Storage
  private let range: Range<Int>

  public var count: Int { range.count }

  /// Copies `bytes`.
  public init(_ bytes: some Collection<UInt8>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    buffer.copyBytes(from: bytes)
    storage = Storage(UnsafeRawBufferPointer(buffer)) { $0.deallocate() }
    range = 0..<bytes.count
  }

  /// Takes over `buffer`, which `release` gives back when the last slice is gone.
  public init(
    owning buffer: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    storage = Storage(buffer, release: release)
    range = 0..<buffer.count
  }

  /// Maps the whole file into memory, without reading it.
  ///
  /// - throws: ``Failure`` `missingInput` when there is no such file or it cannot be read.
  public init(mapping path: String) throws {
    // Not to be blocked by a pipe that stands where a file is due.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Failure(.missingInput, "cannot be opened: \(systemMessage())", file: path) }
    defer { close(descriptor) }
    try self.init(mapping: descriptor, path: path)
  }

  /// Maps the whole of an open file; the descriptor may be closed afterwards.
  public init(mapping descriptor: Int32, path: String) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw Failure(.missingInput, "cannot be examined: \(systemMessage())", file: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.missingInput, "is not a regular file", file: path)
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      self.init([])
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw Failure(.missingInput, "cannot be mapped: \(systemMessage())", file: path)
    }
    self.init(owning: UnsafeRawBufferPointer(start: start, count: count)) {
      munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
    }
  }

  private init(storage: Storage, range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// The bytes in `part`, counted from the start of this slice; nothing is copied.
  public subscript(part: Range<Int>) -> Bytes {
    precondition(part.lowerBound >= 0 && part.upperBound <= count, "a slice leaves its bytes")
    return Bytes(storage: storage, range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// Lends the bytes to `body`; the pointer is valid during the call only.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(rebasing: storage.buffer[range])) }
  }

  /// The range of this slice in `other`, if it lies inside it: how a test sees that nothing was copied.
  public func offset(in other: Bytes) -> Int? {
    withUnsafeBytes { mine in
      other.withUnsafeBytes { theirs in
        guard let mine = mine.baseAddress, let theirs = theirs.baseAddress else { return nil }
        let offset = mine - theirs
        return offset >= 0 && offset + count <= other.count ? offset : nil
      }
    }
  }
}

private final class Storage: @unchecked Sendable {
  let buffer: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  init(_ buffer: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
    self.buffer = buffer
    self.release = release
  }

  deinit { release(buffer) }
}

/// What the system says about the error that just happened.
public func systemMessage() -> String { String(cString: strerror(errno)) }
