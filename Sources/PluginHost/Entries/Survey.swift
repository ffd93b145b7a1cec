/// The result of surveying some units once: bytes that only the plugin interprets.
public final class SurveyRecord: @unchecked Sendable {
  // Unchecked because one thread at a time has it: the one that surveys, then the one that combines.
  let start: UnsafeMutableRawPointer
  let size: Int
  private let isOwner: Bool

  /// A record of zeros.
  public init(size: Int) {
    start = zeros(size)
    self.size = size
    isOwner = true
  }

  /// A record in memory that is owned elsewhere.
  init(at start: UnsafeMutableRawPointer, size: Int) {
    self.start = start
    self.size = size
    isOwner = false
  }

  deinit {
    if isOwner { start.deallocate() }
  }

  var bytes: UnsafeMutableRawBufferPointer { .init(start: start, count: size) }
}

/// The results of a survey's passes over the whole adapter: one record after the other.
public final class Survey: @unchecked Sendable {
  // Unchecked because it is only written between the passes, by one thread.
  /// The largest record that a plugin may ask for, in bytes.
  public static let largestRecord: UInt64 = 1 << 30

  public let recordSize: Int
  /// The bytes of all records.
  let size: Int
  let start: UnsafeMutableRawPointer

  /// A survey of which no pass has been made yet.
  public init(recordSize: Int, passes: Int) {
    self.recordSize = recordSize
    size = recordSize * passes
    start = zeros(size)
  }

  deinit { start.deallocate() }

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
