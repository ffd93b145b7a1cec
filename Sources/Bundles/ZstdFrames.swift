import Diagnostics

/// The frames of a zstd file, from their headers alone (RFC 8878).
///
/// Decoders skip frames that are marked as skippable, so they can contain anything, at the end or anywhere.
enum ZstdFrames {
  /// Refuses frames without content, frames that are cut off, and windows that are too large to decode.
  ///
  /// - parameters:
  ///   - stride: The least number of bytes that `letGo` receives at a time, once they are no longer needed.
  static func check(
    _ file: UnsafeRawBufferPointer, every stride: Int, letGo: (Range<Int>) -> Void
  ) throws {
    var at = 0
    var held = 0
    func pass(_ place: Int) {
      guard place - held >= stride else { return }
      letGo(held..<min(place, file.count))
      held = min(place, file.count)
    }
    defer { letGo(held..<file.count) }
    repeat {
      try Interruption.check()
      guard let header = Header(file, at: at) else { throw cutOff }
      guard header.isContent else {
        throw Failure(
          .badData,
          at == 0 || header.isSkipped
            ? "holds a zstd frame that decoders pass over, which can hide anything"
            : "has data after the end of the zstd stream",
          advice: "pack it again with the plain zstd (not pzstd), as one stream and without anything added")
      }
      guard header.window <= largestWindow else {
        throw Failure(
          .badData,
          "was compressed with a window of \(header.window >> 20) MiB, more than the \(largestWindow >> 20) MiB that are read",
          advice: "pack it again without --long and --ultra")
      }
      at = try end(of: header, in: file, passing: pass)
    } while at < file.count
  }

  /// libzstd's default limit.
  private static let largestWindow = 1 << 27

  /// The end of the frame, which only its blocks reveal.
  private static func end(
    of header: Header, in file: UnsafeRawBufferPointer, passing pass: (Int) -> Void
  ) throws -> Int {
    var at = header.end
    var count = 0
    while true {
      count += 1
      if count.isMultiple(of: 1 << 12) { try Interruption.check() }
      pass(at)
      guard at + 3 <= file.count else { throw cutOff }
      let block = Int(file[at]) | Int(file[at + 1]) << 8 | Int(file[at + 2]) << 16
      // A repeated byte is stored once.
      at += 3 + (block >> 1 & 3 == 1 ? 1 : block >> 3)
      if block & 1 == 1 { break }
    }
    at += header.hasChecksum ? 4 : 0
    guard at <= file.count else { throw cutOff }
    return at
  }

  private static var cutOff: Failure { Failure(.badData, "is cut off", advice: .copyAgain) }

  private struct Header {
    let isContent: Bool
    let isSkipped: Bool
    let hasChecksum: Bool
    let window: Int
    /// The offset of the first block.
    let end: Int

    /// Nil if the file ends within it.
    init?(_ file: UnsafeRawBufferPointer, at: Int) {
      guard at + 6 <= file.count else { return nil }
      let magic = UInt32(littleEndian: file.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      isContent = magic == 0xFD2F_B528
      isSkipped = magic & 0xFFFF_FFF0 == 0x184D_2A50
      let descriptor = Int(file[at + 4])
      let isSingle = descriptor & 0x20 != 0
      hasChecksum = descriptor & 4 != 0
      let dictionary = [0, 1, 2, 4][descriptor & 3]
      let size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]
      end = at + 5 + (isSingle ? 0 : 1) + dictionary + size
      guard end <= file.count else { return nil }
      // For a single segment the window is the content, whose size is checked as it is decoded.
      let exponent = Int(file[at + 5] >> 3) + 10
      window = isSingle ? 0 : (1 << exponent) + (1 << exponent) / 8 * Int(file[at + 5] & 7)
    }
  }
}
