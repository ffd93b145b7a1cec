import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Bundles

@Suite struct ArchiveReaderTests {
  let tree: Tree = [
    "a.txt": String(repeating: "all work and no play ", count: 5000), "sub/b.txt": "b", "sub/empty.txt": "",
    "größe/ü.txt": "names are UTF-8",
    String(repeating: "long/", count: 10) + String(repeating: "n", count: 120): "long",
  ]

  @Test(arguments: TestFormat.allCases)
  func readsEveryFormat(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "archive").path
      try writeArchive(tree, as: format, to: path)
      #expect(try readAll(ArchiveReader(path)) == tree)
    }
  }

  @Test(arguments: TestFormat.allCases)
  func copiesNothingThatLiesInTheFileAsItIs(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "archive").path
      try writeArchive(tree, as: format, to: path)
      let reader = try ArchiveReader(path)
      var isInFile: [String: Bool] = [:]
      _ = try reader.read(wanting: { $0.size > 0 }) { entry, bytes in
        if let bytes { isInFile[entry.path] = bytes.offset(in: reader.file) != nil }
      }
      #expect(isInFile.count == 4)
      #expect(isInFile.values.allSatisfy { $0 == !format.isCompressed })
    }
  }

  @Test(arguments: TestFormat.allCases.filter(\.isCompressed))
  func spillsToTemporaryFiles(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "archive").path
      try writeArchive(tree, as: format, to: path)
      var limits = Limits()
      limits[.memory] = 1
      #expect(try readAll(ArchiveReader(path, limits: limits)) == tree)
    }
  }

  @Test(arguments: TestFormat.allCases)
  func readsOnlyWhatIsWanted(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "archive").path
      try writeArchive(tree, as: format, to: path)
      var read: [String] = []
      var seen: Set<String> = []
      _ = try ArchiveReader(path).read(wanting: { $0.path == "sub/b.txt" }) { entry, bytes in
        seen.insert(entry.path)
        if bytes != nil { read.append(entry.path) }
      }
      #expect(read == ["sub/b.txt"])
      #expect(seen == Set(tree.keys))
    }
  }

  @Test func contentOutlivesTheReader() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("x.tar", HandmadeTar.file("kept"))
      var kept: Bytes?
      _ = try ArchiveReader(path).read(wanting: { _ in true }) { kept = $1 }
      try FileManager.default.removeItem(atPath: path)
      #expect(kept?.text == "x")
    }
  }

  @Test func normalizesPathsAndTakesFolders() throws {
    var tar = HandmadeTar()
    tar.add("./", type: "5")
    tar.add("./sub/", type: "5")
    tar.add(".//sub/./file", "content")
    try withTemporaryFolder { folder in
      let path = try folder.file("x.tar", tar.ended)
      #expect(try readAll(ArchiveReader(path)) == ["sub/file": "content"])
    }
  }

  @Test func leavesMacintoshLitterAsideAndSaysSo() throws {
    var tar = HandmadeTar()
    for name in ["._file", "file", "sub/.DS_Store", "__MACOSX/sub/._file"] { tar.add(name) }
    try withTemporaryFolder { folder in
      var seen: [String] = []
      let notes = try ArchiveReader(folder.file("x.tar", tar.ended)).read(wanting: { _ in true }) { entry, _ in
        seen.append(entry.path)
      }
      #expect(seen == ["file"])
      #expect(notes == ["3 files that macOS added (._*, .DS_Store) were not read"])
    }
  }

  /// What `zip`, Python, the JDK and (by hand, byte by byte) Windows, .NET, macOS and 7-Zip write: descriptors, zip64, extra
  /// fields, comments, names in two ways, no modes.
  @Test(arguments: ZipFixtures.names) func readsTheZipsOfOtherTools(_ name: String) throws {
    let path = ZipFixtures.folder.appending(path: name).path
    #expect(
      try readAll(ArchiveReader(path)) == ZipFixtures.tree(of: name), "\(name)")
  }

  @Test func thereAreZipsOfManyTools() { #expect(ZipFixtures.names.count >= 15) }
}

/// Zips that other tools wrote, or that hold what they write; `make.py` made them.
enum ZipFixtures {
  static let folder = repository.appending(path: "Tests/Fixtures/zips")

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".zip") }.sorted()

  /// What is in them: the same, but for where a tool has no say in names.
  static func tree(of name: String) -> Tree {
    if name.hasPrefix("stdin") { return ["-": "a\n"] }
    let plain: Tree = ["run/a.txt": "a\n", "run/zeros.txt": String(repeating: "0", count: 5000)]
    return name.contains("ascii") ? plain : plain.merging(["run/größe/ü.txt": "u\n"]) { $1 }
  }
}
