import Diagnostics
import Foundation
import Tensors

/// The blocks of one entry: in place if they are in the mapped archive, otherwise copied once to memory or disk.
final class EntryContent {
  private let size: Int
  private let archive: Bytes
  private var filled = 0
  private var store: Store
  private let fallback: Fallback

  /// Where to put content that is not stored in the archive as is.
  enum Fallback { case memory, temporaryFile }

  private enum Store {
    /// All blocks so far are contiguous in the archive, from `start`.
    case archive(start: Int?)
    case memory(UnsafeMutableRawBufferPointer)
    case file(TemporaryFile)
  }

  /// - parameter size: The size that the entry announces; any other size is an error.
  init(size: Int, archive: Bytes, otherwise fallback: Fallback) {
    self.size = size
    self.archive = archive
    self.fallback = fallback
    store = .archive(start: nil)
  }

  deinit { if case .memory(let buffer) = store { buffer.deallocate() } }

  func append(_ block: UnsafeRawBufferPointer, at offset: Int64) throws {
    guard !block.isEmpty else { return }
    guard offset == filled else { throw Failure.sparse }
    guard block.count <= size - filled else {
      throw Failure(.badData, "holds more than the \(size) bytes it announces", advice: .copyAgain)
    }
    if case .archive(let start) = store {
      let place = archive.withUnsafeBytes { Self.place(of: block, in: $0) }
      if let place, start == nil || start! + filled == place {
        store = .archive(start: start ?? place)
        filled += block.count
        return
      }
      try leaveArchive(copying: start.map { archive[$0..<($0 + filled)] })
    }
    try put(block)
    filled += block.count
  }

  /// The complete content.
  func finish() throws -> Bytes {
    guard filled == size else {
      throw Failure(.badData, "holds \(filled) of the \(size) bytes it announces", advice: .copyAgain)
    }
    switch store {
    case .archive(let start):
      return start.map { archive[$0..<($0 + size)] } ?? Bytes([])
    case .memory(let buffer):
      store = .archive(start: nil)
      return Bytes(owning: UnsafeRawBufferPointer(buffer)) { $0.deallocate() }
    case .file(let file):
      return try file.map()
    }
  }

  private func leaveArchive(copying head: Bytes?) throws {
    switch fallback {
    case .memory: store = .memory(.allocate(byteCount: size, alignment: 64))
    case .temporaryFile: store = .file(try TemporaryFile())
    }
    guard let head else { return }
    filled = 0
    try head.withUnsafeBytes { try put($0) }
    filled = head.count
  }

  private func put(_ block: UnsafeRawBufferPointer) throws {
    switch store {
    case .archive: preconditionFailure("a block is put where it already lies")
    case .memory(let buffer): UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: block)
    case .file(let file): try file.append(block)
    }
  }

  private static func place(of block: UnsafeRawBufferPointer, in archive: UnsafeRawBufferPointer) -> Int? {
    guard let block = (block.baseAddress.map { Int(bitPattern: $0)..<Int(bitPattern: $0) + block.count }),
      let start = archive.baseAddress.map({ Int(bitPattern: $0) }),
      block.lowerBound >= start, block.upperBound <= start + archive.count
    else { return nil }
    return block.lowerBound - start
  }
}

extension Failure {
  static let sparse = Failure(
    .badData, "is stored as a sparse file", advice: "pack it again without --sparse")
}
