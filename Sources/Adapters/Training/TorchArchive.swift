import Diagnostics
import Tensors
import Zip

/// The container that `torch.save` writes: a ZIP archive of uncompressed records, used in place.
///
/// It does not use libarchive, because optimizer states are large and must stay mapped: libarchive returns copies in
/// sequence and no offsets. Only what PyTorch writes is read (stored records below
/// one folder, little-endian); source: `caffe2/serialize/inline_container.cc` and the PyTorch notes on serialization.
struct TorchArchive: Sendable {
  /// A record's bytes with their checksum from the directory.
  struct Record: Sendable {
    let name: String
    let bytes: Bytes
    let checksum: UInt32

    /// Reads the whole record to compare its checksum; 0 means that the writer stored none.
    ///
    /// - throws: ``Failure`` `badData` when the bytes are not those that were written.
    func verify() throws {
      if checksum != 0, try crc32(of: bytes) != checksum {
        throw Failure(
          .badData, "its record '\(name)' is damaged: the checksum does not match", advice: "copy the file again")
      }
    }
  }

  private let records: [String: Record]

  /// - throws: ``Failure`` `badData` with what the file is instead, or what is wrong with it.
  init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    try Self.checkKind(of: bytes)
    let entries = try ZipDirectory(bytes, most: .records, limits: limits).entries
    guard let first = entries.first else { throw Failure(.badData, "is an empty ZIP archive") }
    let firstName = try Self.name(of: first)
    guard let slash = firstName.firstIndex(of: "/") else {
      throw Failure(.badData, "its record '\(firstName)' is not in a folder, so torch.save did not write it")
    }
    let folder = firstName[...slash]
    var records: [String: Record] = [:]
    for entry in entries {
      let full = try Self.name(of: entry)
      guard full.hasPrefix(folder) else {
        throw Failure(.badData, "its record '\(full)' is outside the folder '\(folder)'")
      }
      let name = String(full.dropFirst(folder.count))
      guard records[name] == nil else { throw Failure(.badData, "has the record '\(full)' twice") }
      guard !entry.isEncrypted else { throw Failure(.badData, "its record '\(full)' is encrypted") }
      guard entry.method == 0 else {
        throw Failure(
          .badData, "its record '\(full)' is compressed, which torch.save never does",
          advice: "hand in the file as the Trainer wrote it, or zip it again without compression (zip -0)")
      }
      records[name] = Record(name: name, bytes: bytes[entry.range], checksum: entry.checksum)
    }
    self.records = records
    try checkByteOrder()
  }

  /// The name of an entry, if it stays inside the archive and can be shown.
  private static func name(of entry: ZipEntry) throws -> String {
    guard let name = String(validating: entry.name, as: UTF8.self), !name.isEmpty,
      name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }), !hasTooManyCombiningMarks(name)
    else { throw Failure(.badData, "has a record with an invalid name") }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !parts.contains(where: { ["", ".", ".."].contains($0) }), !name.contains("\\") else {
      throw Failure(.badData, "has a record named '\(name)', which leads out of the archive")
    }
    return name
  }

  /// The record of that name below the archive's folder; its checksum is not yet compared.
  func record(_ name: String) throws -> Record {
    guard let record = records[name] else {
      throw Failure(
        .badData, "lacks its record '\(name)'", advice: "it may have been repacked by other software: copy it again")
    }
    return record
  }

  /// Files from before September 2023 name no byte order and are little-endian.
  private func checkByteOrder() throws {
    guard let record = records["byteorder"] else { return }
    let text = record.bytes.withUnsafeBytes { String(decoding: $0.prefix(16), as: UTF8.self) }
    switch text {
    case "little": return
    case "big":
      throw Failure(
        .badData, "was saved on a big-endian machine", advice: "load it and save it again on a little-endian one")
    default: throw Failure(.badData, "names an unknown byte order")
    }
  }

  private static func checkKind(of bytes: Bytes) throws {
    try bytes.withUnsafeBytes { raw in
      if raw.isEmpty { throw Failure(.badData, "is empty", advice: "copy it again") }
      if raw.starts(with: [0x50, 0x4B]) { return }
      // The magic number 0x1950a86a20f9469cfc6c, pickled with protocol 2.
      if raw.starts(with: [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) {
        throw Failure(
          .badData, "was saved in the old format of PyTorch (before 1.6), which is not supported",
          advice: "load it with torch.load(path, weights_only=True) and save it again with torch.save")
      }
      if raw.count > 262, raw[257..<262].elementsEqual("ustar".utf8) {
        throw Failure(
          .badData, "is a tar archive, as PyTorch before 0.4 wrote, which is not supported",
          advice: "load it with torch.load(path, weights_only=True) and save it again with torch.save")
      }
      if raw[0] == 0x80 {
        throw Failure(
          .badData, "is a bare Python pickle and not a file of torch.save", advice: "do not load it anywhere")
      }
      throw Failure(.badData, "is not a file of torch.save", advice: "hand in optimizer.pt as the Trainer wrote it")
    }
  }
}
