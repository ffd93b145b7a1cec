import Foundation
import TestSupport

/// Archives that take minutes to read once the limits on size are lifted, made in a moment: they decode to nothing but zeros,
/// or to nothing at all, again and again.
struct SlowArchives {
  /// What each starts with: an adapter's config, then a file of zeros that nobody wants.
  private static let start: [UInt8] = {
    var tar = HandmadeTar()
    tar.add("adapter_config.json", "{}")
    tar.add(Array("noise.bin".utf8), announced: 0o77777777777)
    return tar.bytes
  }()

  /// By name, in pieces that are repeated.
  static func all() throws -> [(name: String, pieces: [(bytes: [UInt8], count: Int)])] {
    let zeros = [UInt8](repeating: 0, count: 1 << 24)
    let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    // One frame of zstd: its window, the start as it is, and blocks of one byte that is repeated (RFC 8878).
    let frame = little(UInt32(0xFD2F_B528)) + [0, 7 << 3]
    func block(_ kind: Int, _ size: Int, _ body: [UInt8]) -> [UInt8] {
      little(UInt32(size << 3 | kind)).prefix(3) + body
    }
    return [
      ("slow.tar.gz", [(gzip + stored(start), 1), (zerosDeflated, 10_000)]),
      ("slow.tar.bz2", [(try compress(start, as: .bzip2), 1), (try compress(zeros, as: .bzip2), 1000)]),
      ("slow.tar.xz", [(try compress(start, as: .xz), 1), (try compress(zeros, as: .xz), 1000)]),
      (
        "slow.tar.zst",
        [(frame + block(0, start.count, start), 1), (block(2, 1 << 17, [0]), 1 << 18), (block(1, 0, []), 1)]
      ),
      ("empty.tar.bz2", [(try compress([], as: .bzip2), 1 << 22)]),
      ("empty.tar.xz", [(try compress([], as: .xz), 1 << 22)]),
      ("slow.zip", slowZip),
    ]
  }

  private static var slowZip: [(bytes: [UInt8], count: Int)] {
    let count = 5000
    var record = ZipWriter.Record(name: "adapter_model.safetensors", bytes: [], method: 8)
    record.size = 0xFFFF_FFF0
    record.checksum = 1
    // The writer takes what is written once; the content is put between its headers, which must know of it.
    let packed = UInt32(zerosDeflated.count * count)
    var zip = ZipWriter(records: [record]).bytes()
    let directory = zip.lastRange(of: little(UInt32(0x0201_4b50)))!.lowerBound
    zip.replaceSubrange(18..<22, with: little(packed))
    zip.replaceSubrange(directory + 20..<directory + 24, with: little(packed))
    let end = zip.count - 22
    zip.replaceSubrange(end + 16..<end + 20, with: little(UInt32(directory) + packed))
    return [(Array(zip[..<directory]), 1), (zerosDeflated, count), (Array(zip[directory...]), 1)]
  }

  /// A block of deflate that holds bytes as they are (RFC 1951, section 3.2.4).
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt16(bytes.count)
    return [0] + little(count) + little(~count) + bytes
  }

  /// A block of deflate of 1.2 million zeros, which ends with a byte, so that it can be repeated: a zero, and 4806 times 258
  /// bytes that are those before them, in the fixed codes (RFC 1951, section 3.2.6).
  private static let zerosDeflated: [UInt8] = {
    var bits: [UInt8] = [0, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
    for _ in 0..<4806 { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
    bits += [UInt8](repeating: 0, count: 7)
    return stride(from: 0, to: bits.count, by: 8).map { index in
      (0..<8).reduce(0) { $0 | bits[index + $1] << UInt8($1) }
    }
  }()

  /// Writes them all, and a tar with four terabytes of zeros after its end, which take no room.
  static func write(to folder: URL) throws -> [String] {
    var names = ["slow.tar"]
    for (name, pieces) in try all() {
      names.append(name)
      let path = try folder.file(name, [])
      let file = try FileHandle(forWritingTo: URL(filePath: path))
      for (bytes, count) in pieces {
        // A mebibyte or so at a time.
        let group = min(count, max(1, (1 << 20) / max(bytes.count, 1)))
        let data = Data(Array(repeatElement(bytes, count: group).joined()))
        for _ in 0..<count / group { try file.write(contentsOf: data) }
        try file.write(contentsOf: data.prefix(count % group * bytes.count))
      }
      try file.close()
    }
    let sparse = try FileHandle(
      forWritingTo: URL(filePath: folder.file("slow.tar", HandmadeTar.file("adapter_config.json"))))
    try sparse.truncate(atOffset: 1 << 42)
    try sparse.close()
    return names
  }
}
