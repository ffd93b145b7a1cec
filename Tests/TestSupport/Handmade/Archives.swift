import Bundles
import CArchive
import Diagnostics
import Foundation
import Testing

/// Files by path.
public typealias Tree = [String: String]

/// The formats in which libarchive's own writer makes archives for the tests.
public enum TestFormat: String, CaseIterable, Sendable {
  case tar, gzip, zstd, xz, bzip2, zipStored, zipDeflated, sevenZip

  public var ending: String {
    switch self {
    case .tar: ".tar"
    case .gzip: ".tar.gz"
    case .zstd: ".tar.zst"
    case .xz: ".txz"
    case .bzip2: ".tar.bz2"
    case .zipStored, .zipDeflated: ".zip"
    case .sevenZip: ".7z"
    }
  }

  public var isCompressed: Bool { self != .tar && self != .zipStored }

  fileprivate func prepare(_ archive: OpaquePointer) -> Int32 {
    switch self {
    case .tar, .gzip, .zstd, .xz, .bzip2: archive_write_set_format_gnutar(archive)
    case .zipStored, .zipDeflated: archive_write_set_format_zip(archive)
    case .sevenZip: archive_write_set_format_7zip(archive)
    }
  }

  fileprivate func filter(_ archive: OpaquePointer) -> Int32 {
    switch self {
    case .gzip: archive_write_add_filter_gzip(archive)
    case .zstd: archive_write_add_filter_zstd(archive)
    case .xz: archive_write_add_filter_xz(archive)
    case .bzip2: archive_write_add_filter_bzip2(archive)
    case .zipStored: archive_write_zip_set_compression_store(archive)
    case .zipDeflated: archive_write_zip_set_compression_deflate(archive)
    case .tar, .sevenZip: ARCHIVE_OK
    }
  }
}

/// Writes an archive with libarchive, files in the order of their paths unless `order` says otherwise.
public func writeArchive(
  _ tree: Tree, as format: TestFormat, to path: String, order: [String]? = nil, password: String? = nil
) throws {
  try withNamesAsUTF8 { () throws in
    let archive = try #require(archive_write_new())
    defer { archive_write_free(archive) }
    try #require(format.prepare(archive) == ARCHIVE_OK)
    try #require(format.filter(archive) == ARCHIVE_OK)
    if let password {
      try #require(archive_write_set_options(archive, "zip:encryption=traditional") == ARCHIVE_OK)
      try #require(archive_write_set_passphrase(archive, password) == ARCHIVE_OK)
    }
    try #require(archive_write_open_filename(archive, path) == ARCHIVE_OK)
    for name in order ?? tree.keys.sorted() {
      let content = Array(try #require(tree[name]).utf8)
      let entry = archive_entry_new()
      defer { archive_entry_free(entry) }
      archive_entry_set_pathname_utf8(entry, name)
      archive_entry_set_filetype(entry, 0o100000)
      archive_entry_set_perm(entry, 0o600)
      archive_entry_set_size(entry, Int64(content.count))
      try #require(archive_write_header(archive, entry) == ARCHIVE_OK)
      try #require(archive_write_data(archive, content, content.count) == content.count)
    }
    try #require(archive_write_close(archive) == ARCHIVE_OK)
  }
}

/// Compresses `content` as a file by itself.
public func compress(_ content: [UInt8], as format: TestFormat) throws -> [UInt8] {
  try withTemporaryFolder { folder in
    let path = folder.appending(path: "compressed").path
    let archive = try #require(archive_write_new())
    defer { archive_write_free(archive) }
    try #require(archive_write_set_format_raw(archive) == ARCHIVE_OK)
    try #require(format.filter(archive) == ARCHIVE_OK)
    try #require(archive_write_open_filename(archive, path) == ARCHIVE_OK)
    let entry = archive_entry_new()
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, "data")
    archive_entry_set_filetype(entry, 0o100000)
    try #require(archive_write_header(archive, entry) == ARCHIVE_OK)
    try #require(archive_write_data(archive, content, content.count) == content.count)
    try #require(archive_write_close(archive) == ARCHIVE_OK)
    return Array(try Data(contentsOf: URL(filePath: path)))
  }
}
