import CZlib
import Diagnostics

/// Decodes deflate block by block, bare as in a zip or as a gzip file (RFC 1951, RFC 1952).
///
/// A gzip file may have several members one after another, as parallel packers write them; they are one stream. It decodes
/// one layer: the output is never decoded again. Memory is that of one block and zlib's window.
public final class Inflation {
  /// The format around the deflated bytes.
  public enum Wrapper: Sendable { case none, gzip }

  /// The number of source bytes decoded so far.
  public private(set) var consumed = 0

  private let source: UnsafeRawBufferPointer
  private let wrapper: Wrapper
  // zlib keeps the address of its state, so these must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let header: UnsafeMutablePointer<gz_header>
  private let block: UnsafeMutableRawBufferPointer
  private var isAtEnd = false
  /// Where the present member of a gzip file starts.
  private var member = 0

  private static let blockSize = 1 << 16

  /// The maximum size of a gzip header: an extra field of at most 64 KiB, and a name and a comment, which have no limit of
  /// their own.
  private static let largestHeader = 1 << 17

  /// - parameter source: Must outlive this object.
  /// - throws: ``Failure`` `noResources` if there is no memory to decode it.
  public init(_ source: UnsafeRawBufferPointer, wrapper: Wrapper) throws {
    self.source = source
    self.wrapper = wrapper
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    header = .allocate(capacity: 1)
    header.initialize(to: gz_header())
    block = .allocate(byteCount: Self.blockSize, alignment: 64)
    let windowBits: Int32 = wrapper == .gzip ? 16 + MAX_WBITS : -MAX_WBITS
    guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Self.noMemory
    }
    if wrapper == .gzip { inflateGetHeader(stream, header) }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    header.deallocate()
    block.deallocate()
  }

  /// The next decoded bytes, never empty, valid until the next call; nil at the end, after checksums were compared.
  ///
  /// - throws: ``Failure`` `badData` if the bytes are damaged or end too early, `interrupted`.
  public func next() throws -> UnsafeRawBufferPointer? {
    while !isAtEnd {
      try Interruption.check()
      let input = UnsafeRawBufferPointer(rebasing: source[consumed..<min(source.count, consumed + Self.blockSize)])
      stream.pointee.next_in = input.baseAddress.map {
        UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
      }
      stream.pointee.avail_in = UInt32(input.count)
      stream.pointee.next_out = block.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(block.count)
      let status = inflate(stream, Z_NO_FLUSH)
      consumed += input.count - Int(stream.pointee.avail_in)
      let count = block.count - Int(stream.pointee.avail_out)
      switch status {
      case Z_STREAM_END: if try !beginMember() { isAtEnd = true }
      case Z_OK: break
      case Z_BUF_ERROR: if consumed == source.count { throw cutOff }
      case Z_MEM_ERROR: throw Self.noMemory
      default: throw damaged
      }
      if wrapper == .gzip, header.pointee.done == 0, consumed - member > Self.largestHeader {
        throw Failure(
          .badData, "is compressed with gzip, but its header does not end within \(Self.largestHeader) bytes",
          advice: "pack it again; no tool writes such a header")
      }
      if count > 0 { return UnsafeRawBufferPointer(rebasing: block[..<count]) }
    }
    return nil
  }

  /// Goes on with the next member of a gzip file; false if there is none.
  private func beginMember() throws -> Bool {
    guard wrapper == .gzip, source[consumed...].starts(with: [0x1F, 0x8B]) else { return false }
    guard inflateReset(stream) == Z_OK else { throw Self.noMemory }
    inflateGetHeader(stream, header)
    member = consumed
    return true
  }

  private static let noMemory = Failure(
    .noResources, "cannot be decoded: out of memory",
    advice: "end other programs, or raise the limit on memory (ulimit -v)")

  private var cutOff: Failure { Failure(.badData, "is truncated", advice: again) }

  private var damaged: Failure {
    let detail = stream.pointee.msg.map { String(cString: $0) } ?? "invalid data"
    if ["incorrect data check", "incorrect length check", "header crc mismatch"].contains(detail) {
      return Failure(.badData, "does not match its gzip checksum", advice: again)
    }
    return Failure(.badData, "is damaged (\(detail))", advice: again)
  }

  private var again: String { "copy or download it again, or ask the client to pack it again" }
}
