import Diagnostics
import Tensors
import Zip

/// The only stream inside a compressed file, decoded block by block.
///
/// Decoding separately from reading the tar makes it possible to count every byte before it is looked at, skipped or not, and
/// to continue to the end, where the checksums are. There is one layer, selected by the first bytes of the file; the result
/// must be a tar.
final class DecodedStream {
  /// Why the last block was not returned; the tar reader between this stream and the caller knows only that it failed.
  var failure: (any Error)?

  /// How many bytes of the file have been decoded.
  var consumed: Int { decoder.consumed }

  /// Whether the decoded data is compressed again.
  private(set) var isCompressedAgain = false

  private let decoder: any Decoder
  private let file: UnsafeRawBufferPointer
  private let limits: Limits
  private let compression: ArchiveKind.Compression
  private var count = 0
  private var headers = TarHeaders()
  private var lastNonZero: Int64 = -1
  private let progress: ReadingProgress?

  init(
    _ file: UnsafeRawBufferPointer, compression: ArchiveKind.Compression, limits: Limits,
    progress: ReadingProgress? = nil
  ) throws {
    self.file = file
    self.limits = limits
    self.progress = progress
    self.compression = compression
    decoder =
      switch compression {
      case .gzip: try Inflation(file, wrapper: .gzip)
      case .zstd, .xz, .bzip2: try FilterDecoder(file, compression)
      }
  }

  /// The next decoded bytes, valid until the next call, or nil at the end.
  func next() throws -> UnsafeRawBufferPointer? {
    try Interruption.check()
    guard let block = try decoder.next() else { return nil }
    if count == 0, case .compressedTar = ArchiveKind(of: block) { isCompressedAgain = true }
    if let last = block.lastIndex(where: { $0 != 0 }) { lastNonZero = Int64(count + last) }
    count += block.count
    try limits.check(decoded: count, archive: file.count)
    try progress?(decoder.consumed)
    try headers.take(block)
    return block
  }

  /// Decodes the rest and checks that the file ends where the stream does.
  ///
  /// - returns: The offset of the last byte that is not zero, or -1.
  func finish() throws -> Int64 {
    while try next() != nil {}
    // The decoder skips the zeros that may pad an xz stream, which ends with these two letters.
    let isPadded = compression == .xz && !file.suffix(2).elementsEqual("YZ".utf8)
    guard decoder.consumed == file.count, !isPadded else {
      throw Failure(
        .badData, "has data after the end of the \(compression.rawValue) stream",
        advice: "it may be several files joined together: pack everything as one")
    }
    return lastNonZero
  }
}

/// A decoder for one layer of compression.
protocol Decoder: AnyObject {
  /// How many bytes of the file have been decoded.
  var consumed: Int { get }

  /// The next decoded bytes, never empty, valid until the next call; nil at the end.
  func next() throws -> UnsafeRawBufferPointer?
}

extension Inflation: Decoder {}

extension Limits {
  /// Refuses an archive that decodes to too many bytes.
  func check(decoded: Int, archive size: Int) throws {
    guard decoded <= self[.totalSize] else {
      throw Failure(beyond: .totalSize, "decodes to more than the limit of \(self[.totalSize]) bytes")
    }
    guard decoded <= self[.ratioFloor] || decoded / max(size, 1) < self[.ratio] else {
      throw Failure(
        beyond: .ratio, "decodes to more than \(self[.ratio]) times its size, as archives made to fill memory do")
    }
  }
}
