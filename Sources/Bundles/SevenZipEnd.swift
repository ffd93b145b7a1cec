import Diagnostics

/// The end of a 7z archive according to its first bytes (7zFormat.txt, "SignatureHeader").
enum SevenZipEnd {
  /// Refuses a 7z that is longer or shorter than it says; libarchive checks the rest of its header.
  static func check(_ file: UnsafeRawBufferPointer) throws {
    func number(_ place: Int) -> UInt64 {
      UInt64(littleEndian: file.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
    guard file.count >= 32 else { throw Failure(.badData, "is cut off", advice: .copyAgain) }
    let (size, overflow) = number(12).addingReportingOverflow(number(20))
    let rest = UInt64(file.count - 32)
    guard !overflow, size <= rest else { throw Failure(.badData, "is cut off", advice: .copyAgain) }
    guard size == rest else {
      throw Failure(
        .badData, "has data after the end of the 7z",
        advice: "it may be several archives joined together: pack everything as one")
    }
  }
}
