import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Bundles

@Suite struct HostileArchiveTests {
  /// A handmade tar and what it is refused for.
  struct TarAttack: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let tar: [UInt8]
    let entry: String?
    let message: String

    init(_ name: String, _ message: String, entry: String? = nil, _ build: (inout HandmadeTar) -> Void) {
      testDescription = name
      var handmade = HandmadeTar()
      build(&handmade)
      tar = handmade.ended
      self.entry = entry
      self.message = message
    }
  }

  static let attacks: [TarAttack] = [
    TarAttack("absolute path", "has an absolute path", entry: "/etc/passwd") { $0.add("/etc/passwd") },
    TarAttack("way out", "has a path that leads upwards", entry: "../evil") { $0.add("../evil") },
    TarAttack("way out and in", "has a path that leads upwards", entry: "a/../b") { $0.add("a/../b") },
    TarAttack("backslash", "has a backslash in its path", entry: "..\\evil") { $0.add("..\\evil") },
    TarAttack("drive", "has a path with a drive letter", entry: "C:evil") { $0.add("C:evil") },
    TarAttack("empty name", "has an empty name", entry: "") { $0.add("") },
    TarAttack("control character", "has a control character in its name", entry: "a\\u{07}b") { $0.add("a\u{7}b") },
    TarAttack("line break", "has a control character in its name", entry: "a\\nb") { $0.add("a\nb") },
    TarAttack("reversed writing", "has a control character in its name", entry: "a\\u{202E}b") { $0.add("a\u{202E}b") },
    TarAttack("not UTF-8", "has a name that is not UTF-8", entry: "a\u{FFFD}b") {
      $0.add([0x61, 0xFF, 0x62], [0x78])
    },
    TarAttack("not UTF-8 in pax", "has a name that is not UTF-8") {
      $0.addPax([("path", [0x61, 0xFF, 0x62])])
      $0.add("x")
    },
    TarAttack("mark after a slash", "has a name that begins with a combining mark", entry: "a/\u{301}b") {
      $0.add("a/\u{301}b")
    },
    TarAttack("NUL in a pax path", "has a pax header with a NUL byte in a path ('a\\0.bak')") {
      $0.addPax([("path", "a\0.bak")])
      $0.add("x")
    },
    TarAttack("size with more than digits", "has a pax header with a size that is not a number ('1x')") {
      $0.addPax([("size", "1x")])
      $0.add("a")
    },
    TarAttack("size with a fraction", "has a pax header with a size that is not a number ('1.5')") {
      $0.addPax([("size", "1.5")])
      $0.add("a")
    },
    TarAttack("no size", "has a pax header with a size that is not a number ('')") {
      $0.addPax([("size", "")])
      $0.add("a")
    },
    TarAttack(
      "path for all", "has a pax header that sets 'path' for all its entries, which programs read differently"
    ) {
      $0.addPax([("path", "other")], type: "g")
      $0.add("a")
    },
    TarAttack(
      "size for all, after content",
      "has a pax header that sets 'size' for all its entries, which programs read differently"
    ) {
      $0.add(Array("a".utf8), [UInt8](repeating: 0x61, count: 70_000))
      $0.addPax([("size", "0")], type: "g")
      $0.add("b")
    },
    TarAttack("symbolic link", "is a symbolic link", entry: "link") { $0.add("link", type: "2", link: "/etc/passwd") },
    TarAttack("hard link", "is a hard link", entry: "link") {
      $0.add("file")
      $0.add("link", type: "1", link: "file")
    },
    TarAttack("character device", "is a device", entry: "null") { $0.add("null", type: "3") },
    TarAttack("block device", "is a device", entry: "disk") { $0.add("disk", type: "4") },
    TarAttack("pipe", "is a named pipe", entry: "pipe") { $0.add("pipe", type: "6") },
    TarAttack("twice", "is in the archive twice", entry: "file") {
      $0.add("file")
      $0.add("file")
    },
    TarAttack("twice, written differently", "is in the archive twice", entry: ".//sub/./file") {
      $0.add("sub/file")
      $0.add(".//sub/./file")
    },
    TarAttack(
      "twice, composed differently", "a path is spelled in two ways, '\\u{e9}' and 'e\\u{301}'", entry: "e\u{301}"
    ) {
      $0.add("\u{E9}")
      $0.add("e\u{301}")
    },
    TarAttack("file, then folder", "is in the archive both as a file and as a folder", entry: "a/") {
      $0.add("a")
      $0.add("a/", type: "5")
    },
    TarAttack("folder, then file", "is in the archive both as a file and as a folder", entry: "a") {
      $0.add("a/", type: "5")
      $0.add("a")
    },
    TarAttack("file in a file", "is in the archive both as a file and as a folder", entry: "a/b") {
      $0.add("a")
      $0.add("a/b")
    },
    TarAttack("file for the root", "is a file in place of the root folder", entry: "./.") { $0.add("./.") },
    TarAttack("sparse", "is stored as a sparse file", entry: "hole") {
      $0.addPax([("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.map", "0,1")])
      $0.add("hole")
    },
    TarAttack("other archive only", "holds only another archive, 'inner.tar.gz'") { $0.add("inner.tar.gz") },
    TarAttack("nothing", "is empty") { _ in },
    TarAttack("folders only", "is empty") { $0.add("a/", type: "5") },
    TarAttack("damaged header", "is damaged (Damaged tar archive)") {
      $0.add("a")
      $0.add(Array("b".utf8), breaksChecksum: true)
    },
    TarAttack("damaged first header", "starts with a tar header that does not match its checksum") {
      $0.add(Array("b".utf8), breaksChecksum: true)
    },
    TarAttack("deep", "is 17 folders deep, more than the limit of 16") {
      $0.add(String(repeating: "a/", count: 16) + "b")
    },
    TarAttack("long", "has a path of 1025 bytes, more than the limit of 1024") {
      $0.addPax([("path", [UInt8](repeating: 0x61, count: 1025))])
      $0.add("x")
    },
    TarAttack("huge", "has 8589934591 bytes, more than the limit of 1000000", entry: "huge") {
      $0.add(Array("huge".utf8), announced: 0o77777777777)
    },
  ]

  @Test(arguments: attacks)
  func refuses(_ attack: TarAttack) throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("x.tar", attack.tar)
      var limits = Limits()
      limits[.entrySize] = 1_000_000
      // Whether the entry is wanted or not.
      for isWanted in [true, false] {
        let failure = try failure {
          try ArchiveReader(path, limits: limits).read(wanting: { _ in isWanted }) { _, _ in }
        }
        #expect(failure.kind == .badData)
        #expect(failure.message == attack.message)
        #expect(failure.advice != nil)
        #expect(failure.file?.hasPrefix(path) == true)
        if let entry = attack.entry { #expect(failure.file == "\(path): \(entry)") }
      }
      // Compressed or not.
      let compressed = try folder.file("x.tar.zst", compress(attack.tar, as: .zstd))
      let failure = try failure { try readAll(ArchiveReader(compressed, limits: limits)) }
      #expect(attack.testDescription == "damaged first header" || failure.message == attack.message)
    }
  }

  @Test(arguments: TestFormat.allCases)
  func refusesWhatIsCutOffAnywhere(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let whole = folder.appending(path: "whole").path
      try writeArchive(
        ["a": String(repeating: "a", count: 3000), "b": "b", "c": String(repeating: "c", count: 600)], as: format,
        to: whole)
      let bytes = Array(try Data(contentsOf: URL(filePath: whole)))
      // A tar may lose part of the padding after its end without loss.
      let needed = format == .tar ? (bytes.lastIndex { $0 != 0 } ?? 0) / 512 * 512 + 512 : bytes.count - 1
      for length in Set((0...40).map { $0 * needed / 40 } + [needed - 1, 511, 512, 1024, 4096]) where length <= needed {
        let path = try folder.file("cut", Array(bytes[..<length]))
        let failure = try failure { try readAll(ArchiveReader(path)) }
        #expect(failure.kind == .badData)
      }
    }
  }

  @Test(arguments: [TestFormat.gzip, .xz, .bzip2, .zipStored, .zipDeflated, .sevenZip])
  func neverReadsChangedBytesAsIfTheyWereRight(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let whole = folder.appending(path: "whole").path
      let tree: Tree = ["a": (0..<400).map { String($0 * $0) }.joined(separator: " "), "b": "b"]
      try writeArchive(tree, as: format, to: whole)
      let bytes = Array(try Data(contentsOf: URL(filePath: whole)))
      for index in stride(from: 0, to: bytes.count, by: 7) {
        var changed = bytes
        changed[index] ^= 0x10
        let path = try folder.file("changed", changed)
        guard let read = try? readAll(ArchiveReader(path)) else { continue }
        #expect(read.values.sorted() == tree.values.sorted(), "byte \(index)")
      }
    }
  }

  @Test func refusesATarWithoutItsEndMark() throws {
    var tar = HandmadeTar()
    tar.add("a")
    for format in [TestFormat.tar, .gzip] {
      try withTemporaryFolder { folder in
        let path = try folder.file("x.tar", format == .tar ? tar.bytes : compress(tar.bytes, as: format))
        #expect(try failure { try readAll(ArchiveReader(path)) }.message.contains("without the mark that ends a tar"))
      }
    }
  }

  @Test func refusesWhatIsGluedOn() throws {
    let glued = HandmadeTar.file("a") + HandmadeTar.file("b")
    for format in [TestFormat.tar, .gzip, .zstd] {
      try withTemporaryFolder { folder in
        let path = try folder.file("x.tar", format == .tar ? glued : compress(glued, as: format))
        #expect(try failure { try readAll(ArchiveReader(path)) }.message == "has data after the end of the tar")
      }
    }
  }

  /// In every format, whatever the bytes are; a whole second archive of the same kind too.
  @Test(arguments: TestFormat.allCases) func refusesBytesAfterTheEnd(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let whole = folder.appending(path: "whole").path
      try writeArchive(["a": "a"], as: format, to: whole)
      let bytes = Array(try Data(contentsOf: URL(filePath: whole)))
      let skipped: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
      for tail in [[0x21], Array("hidden".utf8), [UInt8](repeating: 0xFF, count: 100_000), bytes, skipped] {
        let path = try folder.file("long", bytes + tail)
        let failure = try failure { try readAll(ArchiveReader(path)) }
        #expect(failure.kind == .badData, "\(failure)")
        #expect(failure.advice != nil, "\(failure)")
      }
      // Trailers that fit do not make them right.
      if format == .gzip {
        let path = try folder.file("long", bytes + Array("hidden".utf8) + bytes.suffix(8))
        #expect(try failure { try readAll(ArchiveReader(path)) }.message.contains("has data after the end of the gzip"))
      }
    }
  }

  @Test func refusesAWrongGzipChecksum() throws {
    try withTemporaryFolder { folder in
      var bytes = try compress(HandmadeTar.file("a"), as: .gzip)
      bytes[bytes.count - 8] ^= 1
      let path = try folder.file("x.tar.gz", bytes)
      #expect(try failure { try readAll(ArchiveReader(path)) }.message == "does not match its gzip checksum")
    }
  }

  @Test func refusesEncryptedEntries() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.zip").path
      try writeArchive(["secret": "x"], as: .zipStored, to: path, password: "p")
      let failure = try failure { try readAll(ArchiveReader(path)) }
      #expect(failure.message == "is encrypted")
      #expect(failure.file == "\(path): secret")
    }
  }

  @Test func refusesWhatIsCompressedTwice() throws {
    try withTemporaryFolder { folder in
      let twice = try compress(compress(HandmadeTar.file("a"), as: .gzip), as: .gzip)
      let path = try folder.file("x.tar.gz", twice)
      #expect(try failure { try readAll(ArchiveReader(path)) }.message == "is compressed more than once")
      // Whichever two they are; a third layer makes no difference, for none below the first is looked into.
      for (inner, outer) in [(TestFormat.xz, TestFormat.gzip), (.gzip, .zstd), (.zstd, .xz), (.bzip2, .bzip2)] {
        let mixed = try folder.file("y", compress(compress(HandmadeTar.file("a"), as: inner), as: outer))
        #expect(try failure { try readAll(ArchiveReader(mixed)) }.message == "is compressed more than once")
      }
    }
  }

  /// Parallel packers write several streams, and some are empty; wherever the seams are, the tar is the same.
  @Test(arguments: [TestFormat.gzip, .zstd, .xz, .bzip2]) func readsATarInSeveralStreams(_ format: TestFormat) throws {
    var tar = HandmadeTar()
    tar.add("a", String(repeating: "a", count: 3000))
    tar.add("b")
    let whole = tar.ended
    func packed(_ cuts: [Int]) throws -> [UInt8] {
      try zip([0] + cuts, cuts + [whole.count]).flatMap { try compress(Array(whole[$0..<$1]), as: format) }
    }
    try withTemporaryFolder { folder in
      for cuts in [[0], [0, 0], [whole.count], [512], [1000], [512, 512], [1000, 1000, 4096]] {
        let path = try folder.file("x", packed(cuts))
        #expect(try readAll(ArchiveReader(path)) == ["a": String(repeating: "a", count: 3000), "b": "x"], "\(cuts)")
      }
      // Cut off at a seam, it is not taken for whole.
      let cut = try folder.file("cut", compress(Array(whole[..<1000]), as: format))
      #expect(try failure { try readAll(ArchiveReader(cut)) }.message.contains("cut off"))
    }
  }

  /// Which the format allows and decoders pass over.
  @Test(arguments: [4, 100_000]) func refusesPaddingAfterXz(_ count: Int) throws {
    try withTemporaryFolder { folder in
      let padded = try compress(HandmadeTar.file("a"), as: .xz) + [UInt8](repeating: 0, count: count)
      let path = try folder.file("x.tar.xz", padded)
      #expect(
        try failure { try readAll(ArchiveReader(path)) }.message == "has data after the end of the xz stream")
    }
  }

  @Test func refusesWhatIsNoArchive() throws {
    try withTemporaryFolder { folder in
      for (bytes, message) in [
        (Array("just text, and more of it than one would think".utf8), "is not an archive that Clues can read"),
        (Array("Rar!\u{1A}\u{7}\u{0}".utf8), "is not an archive that Clues can read"),
        (try compress(Array("just text".utf8), as: .xz), "is compressed with xz, but does not contain a tar"),
        ([], "is an empty file"),
      ] {
        let failure = try failure { try readAll(ArchiveReader(folder.file("x", bytes))) }
        #expect(failure.message == message)
        #expect(failure.advice != nil)
      }
      #expect(try failure { try ArchiveReader(folder.appending(path: "none").path) }.kind == .missingInput)
    }
  }

  @Test(arguments: [TestFormat.gzip, .zstd, .xz, .bzip2, .zipDeflated, .sevenZip])
  func refusesWhatGrowsBeyondReason(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "bomb").path
      try writeArchive(["zeros": String(repeating: "\0", count: 1 << 20), "a": "a"], as: format, to: path)
      var limits = Limits()
      #expect(try readAll(ArchiveReader(path, limits: limits)).count == 2)
      limits[.ratioFloor] = 1 << 18
      limits[.ratio] = 50
      // Even where nobody wants the entry.
      #expect(
        try failure { try ArchiveReader(path, limits: limits).read(wanting: { _ in false }) { _, _ in } }.message
          == "decodes to more than 50 times its size, as archives made to fill memory do")
      limits = Limits()
      limits[.totalSize] = 1 << 18
      #expect(
        try failure { try ArchiveReader(path, limits: limits).read(wanting: { _ in false }) { _, _ in } }.message
          == "decodes to more than the limit of 262144 bytes")
    }
  }

  @Test func refusesTooManyEntries() throws {
    var tar = HandmadeTar()
    for number in 0..<11 { tar.add("d\(number)/", type: "5") }
    try withTemporaryFolder { folder in
      var limits = Limits()
      limits[.entries] = 10
      let failure = try failure { try readAll(ArchiveReader(folder.file("x.tar", tar.ended), limits: limits)) }
      #expect(failure.message == "is one entry more than the limit of 10")
      #expect(
        failure.advice
          == "raise the limit 'entries' (--limit entries=N, or 'limits' in a recipe) if you trust its source"
      )
    }
  }
}
