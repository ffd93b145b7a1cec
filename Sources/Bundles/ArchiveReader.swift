import Diagnostics
import Foundation
import Tensors

/// Reads an archive (tar, plain or with gzip, zstd, xz or bzip2; zip; 7z) without ever writing to a path it names.
///
/// The file is mapped. Content that is stored as is (plain tar, stored zip) is returned as a slice of the mapping; the rest
/// is decoded once, to memory or, beyond `Limits.memory`, to unlinked temporary files. As with every mapped file, the archive
/// must not be shortened while its bytes are in use.
package struct ArchiveReader: EntrySource {
  package let name: String

  /// The mapped archive.
  package let file: Bytes

  private let limits: Limits
  private let progress: ReadingProgress?

  /// Maps the archive at `path`.
  ///
  /// - parameter progress: Receives how much of a compressed archive is decoded, in bytes of the archive.
  /// - throws: ``Failure`` `missingInput` if it cannot be opened.
  package init(_ path: String, limits: Limits = Limits(), progress: ReadingProgress? = nil) throws {
    name = path
    file = try Bytes(mapping: path)
    self.limits = limits
    self.progress = progress
  }

  package func displayName(of path: String) -> String { "\(name): \(path)" }

  package func read(
    wanting isWanted: (BundleEntry) throws -> Bool, visit: (BundleEntry, Bytes?) throws -> Void
  ) throws -> [String] {
    try locating(file: name) {
      try withNamesAsUTF8 {
        try file.withUnsafeBytes { raw in
          guard !raw.isEmpty else { throw Failure(.badData, "is an empty file", advice: .copyAgain) }
          var released = 0
          let kind = ArchiveKind(of: raw)
          if kind == .zip { return try read(ZipWalk(file, limits: limits), wanting: isWanted, visit: visit) }
          if kind == .compressedTar(.zstd) {
            try ZstdFrames.check(raw, every: Self.stride) { file[$0].relinquish() }
          }
          let archive = try OpenArchive(raw, kind: kind, limits: limits) { decoded in
            // Decoded input is not needed again before it is digested.
            if decoded - released >= Self.stride {
              file[released..<min(decoded, file.count)].relinquish()
              released = decoded
            }
            try progress?(decoded)
          }
          return try read(archive, wanting: isWanted, visit: visit)
        }
      }
    }
  }

  /// How much of a compressed archive is in memory while it is decoded.
  private static let stride = 1 << 20

  private func read(
    _ archive: some ArchiveWalk, wanting isWanted: (BundleEntry) throws -> Bool,
    visit: (BundleEntry, Bytes?) throws -> Void
  ) throws -> [String] {
    var archiveLimits = ArchiveLimits(limits: limits, archiveSize: file.count)
    var decoded = 0
    while try archive.advance() {
      let shownName = archive.withName { displayName(of: String(showing: $0)) }
      try locating(file: shownName) {
        let path = try archive.withName { try EntryPath(checking: $0, limits: limits) }
        guard let entry = try archiveLimits.admit(path, archive.header) else { return try archive.skip() }
        guard try isWanted(entry) else {
          try archive.skip()
          return try visit(entry, nil)
        }
        let spills = entry.size > limits[.memory] - decoded
        let content = EntryContent(size: entry.size, archive: file, otherwise: spills ? .temporaryFile : .memory)
        try archive.read(into: content)
        let bytes = try content.finish()
        if !spills, bytes.offset(in: file) == nil { decoded += entry.size }
        try visit(entry, bytes)
      }
    }
    return try archiveLimits.close()
  }
}
