/// What one look at some units brought: bytes that only the plugin understands.
public final class SurveyRecord: @unchecked Sendable {
  // Unchecked, for one thread at a time has it: the one that surveys, then the one that combines.
  let start: UnsafeMutableRawPointer
  private let isOwner: Bool

  /// A record of zeros.
  public init(size: Int) {
    start = zeros(size)
    isOwner = true
  }

  /// A part of a survey, which keeps it alive.
  fileprivate init(partAt start: UnsafeMutableRawPointer) {
    self.start = start
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
  let start: UnsafeMutableRawPointer

  /// A survey in which nothing has been seen yet.
  public init(recordSize: Int, passes: Int) {
    self.recordSize = recordSize
    start = zeros(recordSize * passes)
  }

  deinit { start.deallocate() }

  /// Lends the record of a pass, to combine others with it.
  public func withRecord<Result>(of pass: Int, _ body: (SurveyRecord) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(SurveyRecord(partAt: start + pass * recordSize)) }
  }
}

private func zeros(_ count: Int) -> UnsafeMutableRawPointer {
  let start = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
  start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  return start
}
