import Diagnostics
import Files
import Glibc

/// Immutable bytes in memory or in a mapped file; slices share the storage and keep it alive.
public struct Bytes: Sendable {
  private let storage: Storage
  private let range: Range<Int>

  public var count: Int { range.count }

  /// Copies `bytes`.
  public init(_ bytes: some Collection<UInt8>) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    buffer.copyBytes(from: bytes)
    storage = Storage(UnsafeRawBufferPointer(buffer), file: nil) { $0.deallocate() }
    range = 0..<bytes.count
  }

  /// Takes over `buffer`, which `release` frees when the last slice is gone.
  public init(
    owning buffer: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.init(Storage(buffer, file: nil, release: release))
  }

  private init(_ storage: Storage) {
    self.storage = storage
    range = 0..<storage.buffer.count
  }

  /// Maps the whole file into memory, without reading it.
  ///
  /// - throws: ``Failure`` `missingInput` if there is no such file or it cannot be read.
  public init(mapping path: String) throws {
    let descriptor = try openToRead(path, advice: "check the path and its permissions")
    defer { close(descriptor) }
    try self.init(mapping: descriptor, path: path)
  }

  /// Maps the whole of an open file; the descriptor may be closed afterwards.
  public init(mapping descriptor: Int32, path: String) throws {
    let count = try locating(file: path) { Int(try regularStatus(of: descriptor).st_size) }
    guard count > 0 else {
      self.init([])
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw Failure(system: .missingInput, "cannot be mapped", file: path)
    }
    self.init(
      Storage(UnsafeRawBufferPointer(start: start, count: count), file: MappedFile(descriptor, path: path)) {
        munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
      })
  }

  private init(storage: Storage, range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// The bytes in `part`, counted from the start of this slice; nothing is copied.
  public subscript(part: Range<Int>) -> Bytes {
    precondition(part.lowerBound >= 0 && part.upperBound <= count, "a slice is out of bounds")
    return Bytes(storage: storage, range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// Lends the bytes to `body`; the pointer is valid only during the call.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(rebasing: storage.buffer[range])) }
  }

  /// Copies the bytes to `target`, which has room for them; mapped bytes are read from the file, which takes less time than
  /// faulting in the pages of the mapping, and leaves none of them in memory.
  ///
  /// - throws: ``Failure`` `badData` if the file can no longer be read, or was truncated.
  public func copy(to target: UnsafeMutableRawPointer) throws {
    if let file = storage.file, try file.read(range, into: target) { return }
    withUnsafeBytes { source in
      if let start = source.baseAddress { target.copyMemory(from: start, byteCount: source.count) }
    }
    relinquish()
  }

  /// Visits the bytes in order, one window at a time, so that no more of a mapped file than that is in memory.
  public func forEachWindow(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    for start in stride(from: 0, to: count, by: Self.window) {
      let window = self[start..<min(start + Self.window, count)]
      window.fetch()
      try window.withUnsafeBytes(body)
      window.relinquish()
    }
  }

  /// Large enough to make a system call worthwhile, small enough to stay in the cache from fetching to reading.
  private static let window = 1 << 19

  /// A multiple of the page size everywhere, and the amount that Linux reads around a page by default.
  private static let block = 1 << 16

  /// Loads a slice of a mapped file at once, which is faster than faulting in its pages one by one.
  public func fetch() { advise(MADV_POPULATE_READ) }

  /// Releases the memory of a slice of a mapped file; touching it loads it again.
  public func relinquish() { advise(MADV_DONTNEED) }

  /// Advises the system about the pages of the slice. Advice is never essential, so failures are ignored.
  private func advise(_ advice: Int32) {
    // Anonymous memory would be lost.
    guard storage.file != nil, let start = storage.buffer.baseAddress, !range.isEmpty else { return }
    // Whole blocks, because with each page the system loads those around it.
    let origin = Int(bitPattern: start)
    let first = max(origin, (origin + range.lowerBound) / Self.block * Self.block)
    let last = min(
      origin + storage.buffer.count, (origin + range.upperBound + Self.block - 1) / Self.block * Self.block)
    _ = madvise(UnsafeMutableRawPointer(bitPattern: first), last - first, advice)
  }

  /// The range of this slice in `other`, if it lies inside it.
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
  // Unchecked because nobody writes to the buffer while it has an owner here.
  let buffer: UnsafeRawBufferPointer
  /// The mapping; nil for allocated memory.
  let file: MappedFile?
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  init(
    _ buffer: UnsafeRawBufferPointer, file: MappedFile?,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.buffer = buffer
    self.file = file
    self.release = release
  }

  deinit { release(buffer) }
}
