/// What one look at some units brought: bytes that only the plugin understands.
public final class SurveyRecord: @unchecked Sendable {
  // Unchecked, for one thread at a time has it: the one that surveys, then the one that combines.
  let start: UnsafeMutableRawPointer
  let size: Int
  private let isOwner: Bool

  /// A record of zeros.
  public init(size: Int) {
    start = zeros(size)
    self.size = size
    isOwner = true
  }

  /// A record in memory that somebody else keeps.
  init(at start: UnsafeMutableRawPointer, size: Int) {
    self.start = start
    self.size = size
    isOwner = false
  }

  deinit {
    if isOwner { start.deallocate() }
  }
}

/// What the passes of a survey over the whole adapter brought: one record after the other.
public final class Survey: @unchecked Sendable {
  // Unchecked, for it is written to between the passes only, by one thread.
  /// The largest record that a plugin may ask for, in bytes.
  public static let largestRecord: UInt64 = 1 << 30

  public let recordSize: Int
  /// The bytes of all records.
  let size: Int
  let start: UnsafeMutableRawPointer
  private let isOwner: Bool

  /// A survey in which nothing has been seen yet.
  public init(recordSize: Int, passes: Int) {
    self.recordSize = recordSize
    size = recordSize * passes
    start = zeros(size)
    isOwner = true
  }

  /// A survey that lies in `records`, which stay where they are; it is only read.
  init(recordSize: Int, reading records: UnsafeRawBufferPointer) {
    self.recordSize = recordSize
    size = records.count
    start = UnsafeMutableRawPointer(mutating: records.baseAddress!)
    isOwner = false
  }

  deinit {
    if isOwner { start.deallocate() }
  }

  /// Lends the record of a pass, to combine others with it.
  public func withRecord<Result>(of pass: Int, _ body: (SurveyRecord) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(SurveyRecord(at: start + pass * recordSize, size: recordSize)) }
  }
}

private func zeros(_ count: Int) -> UnsafeMutableRawPointer {
  let start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
  start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  return start
}
