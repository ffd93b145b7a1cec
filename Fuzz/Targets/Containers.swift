// What is made up gets past the checksums, behind which the interesting mistakes lie.

/// A file of `torch.save` with this pickle and six storages of six float32, without checksums.
func torchFile(around pickle: UnsafeRawBufferPointer) -> [UInt8] {
  func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
  let storage = [UInt8](repeating: 0x3F, count: 24)
  let records = [("o/data.pkl", Array(pickle))] + (0..<6).map { ("o/data/\($0)", storage) }
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in records {
    let name = Array(name.utf8)
    let sizes = little(UInt32(bytes.count)) + little(UInt32(bytes.count))
    directory += little(UInt32(0x0201_4b50)) + [UInt8](repeating: 0, count: 16) + sizes
    directory += little(UInt16(name.count)) + [UInt8](repeating: 0, count: 12) + little(UInt32(file.count)) + name
    file += little(UInt32(0x0403_4b50)) + [UInt8](repeating: 0, count: 14) + sizes
    file += little(UInt16(name.count)) + little(UInt16(0)) + name + bytes
  }
  let end = little(UInt16(records.count)) + little(UInt16(records.count)) + little(UInt32(directory.count))
  return file + directory + little(UInt32(0x0605_4b50)) + little(UInt32(0)) + end + little(UInt32(file.count))
    + little(UInt16(0))
}

/// A shared library with nothing but a manifest in it.
func library(around manifest: UnsafeRawBufferPointer) -> [UInt8] {
  func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
  let names = Array("\0clues_manifest\0".utf8)
  /// The header of a section: its name, its place and its size.
  func section(_ name: UInt32, _ start: Int, _ size: Int) -> [UInt8] {
    little(name) + [UInt8](repeating: 0, count: 20) + little(UInt64(start)) + little(UInt64(size))
      + [UInt8](repeating: 0, count: 24)
  }
  let (namesStart, manifestStart) = (64, 64 + names.count)
  let tableStart = manifestStart + manifest.count
  let head =
    [0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0, count: 34) + little(UInt64(tableStart))
    + [UInt8](repeating: 0, count: 10) + little(UInt16(64)) + little(UInt16(3)) + little(UInt16(1))
  return head + names + Array(manifest) + section(0, 0, 0) + section(0, namesStart, names.count)
    + section(1, manifestStart, manifest.count)
}

/// The input; where it looks like a tar, with the right checksum in each of its headers.
func withRightChecksums(tar input: UnsafeRawBufferPointer) -> [UInt8] {
  var file = Array(input)
  var at = 0
  while at + 512 <= file.count, file[(at + 257)..<(at + 262)].elementsEqual("ustar".utf8) {
    file.replaceSubrange((at + 148)..<(at + 156), with: repeatElement(0x20, count: 8))
    let sum = String(file[at..<(at + 512)].reduce(0) { $0 + Int($1) }, radix: 8)
    let digits = String(repeating: "0", count: 6 - sum.count) + sum
    file.replaceSubrange((at + 148)..<(at + 154), with: digits.utf8)
    file[at + 154] = 0
    let size = Int(String(decoding: file[(at + 124)..<(at + 135)], as: UTF8.self), radix: 8) ?? 0
    at += 512 + (min(size, file.count) + 511) / 512 * 512
  }
  return file
}
