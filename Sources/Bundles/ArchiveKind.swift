import CArchive
import Diagnostics

/// The kinds of archive that can be read, told apart by their first bytes, never by their names.
enum ArchiveKind: Equatable {
  case tar
  case compressedTar(Compression)
  case zip
  case sevenZip

  enum Compression: String {
    case gzip, zstd, xz, bzip2

    var filterCode: Int32 {
      switch self {
      case .gzip: ARCHIVE_FILTER_GZIP
      case .zstd: ARCHIVE_FILTER_ZSTD
      case .xz: ARCHIVE_FILTER_XZ
      case .bzip2: ARCHIVE_FILTER_BZIP2
      }
    }
  }

  /// Looks at the start of `file`. Anything unrecognized counts as a tar, whose first header decides.
  init(of file: UnsafeRawBufferPointer) {
    func starts(with bytes: [UInt8]) -> Bool { file.starts(with: bytes) }
    if starts(with: [0x1F, 0x8B]) {
      self = .compressedTar(.gzip)
    } else if starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      self = .compressedTar(.zstd)
    } else if starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
      self = .compressedTar(.xz)
    } else if starts(with: Array("BZh".utf8)) {
      self = .compressedTar(.bzip2)
    } else if starts(with: [0x50, 0x4B, 0x03, 0x04]) || starts(with: [0x50, 0x4B, 0x05, 0x06]) {
      self = .zip
    } else if starts(with: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) {
      self = .sevenZip
    } else {
      self = .tar
    }
  }

  /// The extensions of archives, longest first: those that can be written and those that can only be read.
  static let endings = (PackedFormat.allCases.flatMap(\.endings) + [".tar.bz2", ".tbz2", ".tbz", ".7z"])
    .sorted { $0.count > $1.count }

  /// `name` without an archive's extension, or nil if it has none.
  static func stem(of name: String) -> String? {
    let lowercased = name.lowercased()
    return endings.first { lowercased.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
  }
}
