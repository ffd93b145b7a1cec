import CArchive
import Diagnostics

/// The formats in which bundles are written, selected by the extension of the output.
enum PackedFormat: CaseIterable {
  case tar, tarGzip, tarZstd, tarXz, zip

  init(ending output: String) throws {
    let lowercased = output.lowercased()
    guard let format = Self.allCases.first(where: { $0.endings.contains { lowercased.hasSuffix($0) } }) else {
      throw Failure(
        .usage, "has no ending that says how to pack",
        advice: "end the name in \(FolderArchive.endings.joined(separator: ", "))", file: output)
    }
    self = format
  }

  var endings: [String] {
    switch self {
    case .tar: [".tar"]
    case .tarGzip: [".tar.gz", ".tgz"]
    case .tarZstd: [".tar.zst", ".tzst"]
    case .tarXz: [".tar.xz", ".txz"]
    case .zip: [".zip"]
    }
  }

  /// Configures libarchive so that the same entries always give the same bytes.
  ///
  /// gzip writes neither time nor name, zstd and xz run on one thread at a fixed level. A zip is stored, not deflated:
  /// weights hardly shrink, and stored entries can be mapped.
  func prepare(_ archive: OpaquePointer) -> Bool {
    func all(_ statuses: Int32...) -> Bool { statuses.allSatisfy { $0 == ARCHIVE_OK } }
    return switch self {
    case .tar:
      all(archive_write_set_format_pax_restricted(archive))
    case .tarGzip:
      all(
        archive_write_set_format_pax_restricted(archive), archive_write_add_filter_gzip(archive),
        archive_write_set_filter_option(archive, "gzip", "compression-level", "6"),
        archive_write_set_filter_option(archive, "gzip", "timestamp", nil))
    case .tarZstd:
      all(
        archive_write_set_format_pax_restricted(archive), archive_write_add_filter_zstd(archive),
        archive_write_set_filter_option(archive, "zstd", "compression-level", "3"))
    case .tarXz:
      all(
        archive_write_set_format_pax_restricted(archive), archive_write_add_filter_xz(archive),
        archive_write_set_filter_option(archive, "xz", "compression-level", "6"),
        archive_write_set_filter_option(archive, "xz", "threads", "1"))
    case .zip:
      all(
        archive_write_set_format_zip(archive),
        archive_write_set_format_option(archive, "zip", "compression", "store"))
    }
  }
}
