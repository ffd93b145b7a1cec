import Bundles
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Archives that are whole, but not what one client should hand in, and zip files that lie.
@Suite struct BundleAttackTests {
  static func tar(_ names: [String]) -> [UInt8] {
    var tar = HandmadeTar()
    for name in names { tar.add(name, "{}") }
    return tar.ended
  }

  static func zip(_ records: [ZipWriter.Record]) -> [UInt8] { ZipWriter(records: records).bytes() }

  static let adapter = ["adapter_config.json", "adapter_model.safetensors"]

  static let attacks: [Attack] = [
    Attack("two adapters", "holds 2 adapters: 'a' and 'b'") {
      tar(["a", "b"].flatMap { folder in adapter.map { "\(folder)/\($0)" } })
    },
    Attack("the same step twice", "holds step 5 twice, as 'checkpoint-05' and 'checkpoint-5'") {
      tar(["checkpoint-5", "checkpoint-05"].flatMap { folder in adapter.map { "\(folder)/\($0)" } })
    },
    Attack("another case", "holds no LoRA adapter") { tar(["ADAPTER_CONFIG.JSON", "Adapter_Model.safetensors"]) },
    Attack("a pickle for weights", "a pickle, which can run code and is never opened") {
      tar(["adapter_config.json", "adapter_model.bin"])
    },
    Attack("weights without a config", "but no 'adapter_config.json'") { tar(["adapter_model.safetensors"]) },
    Attack("an archive in an archive", "holds only another archive, 'inner.tar'") { tar(["inner.tar"]) },
    Attack("an adapter too deep inside", "holds no adapter at its root, but 'a/b/c/adapter_config.json' deeper") {
      tar(adapter.map { "a/b/c/\($0)" })
    },
    Attack("only what macOS adds", "is empty") { tar(["._adapter_config.json", "__MACOSX/._x", ".DS_Store"]) },
    Attack(
      "moments that belong to no step", "is at the root, so its step is unknown", at: .entry("optimizer.pt")
    ) {
      tar(adapter + ["optimizer.pt"])
    },
    Attack("manifest of another version", "has the format version 2", at: .entry("clues.json")) {
      var tar = HandmadeTar()
      tar.add("clues.json", #"{"format": 2}"#)
      for name in adapter { tar.add(name, "{}") }
      return tar.ended
    },
    Attack(
      "manifest with a name that is a path", "gives the client a name that cannot be used", at: .entry("clues.json")
    ) {
      var tar = HandmadeTar()
      tar.add("clues.json", #"{"format": 1, "client": "../../etc/cron.d/x"}"#)
      for name in adapter { tar.add(name, "{}") }
      return tar.ended
    },
    Attack("manifest with wrong digests", "does not match the SHA-256 in clues.json", at: .entry("adapter_config.json"))
    {
      var tar = HandmadeTar()
      let file = #"{"bytes": 2, "sha256": "\#(String(repeating: "0", count: 64))"}"#
      tar.add(
        "clues.json",
        #"{"format": 1, "files": {"adapter_config.json": \#(file), "adapter_model.safetensors": \#(file)}}"#)
      for name in adapter { tar.add(name, "{}") }
      return tar.ended
    },
    Attack("name of combining marks", "more than 256 combining marks in a row") {
      var tar = HandmadeTar()
      tar.addPax([("path", "e" + combiningMarks(400))])
      tar.add("x")
      return tar.ended
    },
    Attack("sparse in the old way of GNU", "is stored as a sparse file") {
      var header = HandmadeTar.entry("hole", type: "S")
      // One block of data at 4096, the whole 8192.
      let fields = "00000010000\u{0}00000001000\u{0}"
      header.replaceSubrange(386..<(386 + fields.utf8.count), with: Array(fields.utf8))
      let size = "00000020000\u{0}"
      header.replaceSubrange(483..<(483 + size.utf8.count), with: Array(size.utf8))
      let dataSize = "00000001000\u{0}"
      header.replaceSubrange(124..<(124 + dataSize.utf8.count), with: Array(dataSize.utf8))
      header.replaceSubrange(257..<265, with: Array("ustar  \u{0}".utf8))
      header.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = String(header[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
      let text = String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} "
      header.replaceSubrange(148..<156, with: Array(text.utf8))
      return Array(header[..<512]) + [UInt8](repeating: 1, count: 512) + Array(header[512...])
    },
    Attack("negative size", "is damaged") {
      var tar = HandmadeTar.file("a")
      // Base 256, all ones: minus one.
      tar.replaceSubrange(124..<136, with: [UInt8](repeating: 0xFF, count: 12))
      tar.replaceSubrange(148..<156, with: Array("        ".utf8))
      let sum = String(tar[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
      let text = String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} "
      tar.replaceSubrange(148..<156, with: Array(text.utf8))
      return tar
    },
    Attack("zip: way out", "has a path that leads upwards", at: .entry("../x")) {
      zip([.init(name: "../x", bytes: [1])])
    },
    Attack("zip: absolute", "has an absolute path", at: .entry("/x")) { zip([.init(name: "/x", bytes: [1])]) },
    Attack("zip: lzma with a dictionary of gigabytes", "is compressed with lzma, which Clues does not read in a zip") {
      zip([.init(name: "adapter_config.json", bytes: [9, 4, 5, 0, 0x5D, 0, 0, 0, 0xFF, 0], method: 14)])
    },
    Attack("zip: ppmd", "is compressed with ppmd") {
      zip([.init(name: "adapter_config.json", bytes: [1], method: 98)])
    },
    Attack("zip: a method of nobody", "which Clues does not read in a zip") {
      zip([.init(name: "adapter_config.json", bytes: [1], method: 77)])
    },
    Attack("zip: twice", "is in the archive twice", at: .entry("x")) {
      zip([.init(name: "x", bytes: [1]), .init(name: "x", bytes: [2])])
    },
    Attack("zip: wrong checksum", "does not match its checksum", at: .entry("adapter_config.json")) {
      var record = ZipWriter.Record(name: "adapter_config.json", bytes: Array("{}".utf8))
      record.checksum = 1
      return zip([record])
    },
    Attack("zip: more than the file holds", "does not fit into the file") {
      var record = ZipWriter.Record(name: "adapter_config.json", bytes: Array("{}".utf8))
      record.size = 0x7000_0000
      return zip([record])
    },
    Attack("zip: more entries than the limit", "lists 10001 entries, more than the limit of 10000") {
      zip((0..<10_001).map { .init(name: "\($0)", bytes: []) })
    },
    Attack("zip: a bomb that promises all", "decodes to more than 200 times its size") {
      // Nothing is decoded to find out: the sizes that the entries promise are enough.
      zip(
        (0..<10).map {
          var record = ZipWriter.Record(name: "zeros-\($0)", bytes: [1, 2, 3], method: 8)
          record.size = 0x1000_0000
          return record
        })
    },
  ]

  @Test(arguments: attacks) func isRefused(_ attack: Attack) throws {
    try withTemporaryFolder { folder in
      try attack.expectRefusal { bytes in
        let parts: Set<Part> = [.adapter, .optimizers]
        _ = try Bundles.Bundle.open(folder.file("client.archive", bytes), wanting: parts)
      }
    }
  }

  /// What macOS strews about changes nothing, and is spoken of.
  @Test func whatMacOSAddsIsLeftAside() throws {
    let names =
      Self.adapter + ["._adapter_config.json", "__MACOSX/._adapter_model.safetensors", ".DS_Store", "a.tar.gz"]
    try withTemporaryFolder { folder in
      let bundle = try Bundles.Bundle.open(folder.file("client.tar", Self.tar(names)), wanting: [.adapter])
      #expect(bundle.adapter != nil)
      #expect(bundle.notes == ["3 files that macOS added (._*, .DS_Store) were not read"])
      #expect(bundle.ignored.map(\.path) == ["a.tar.gz"])
    }
  }

  /// A pipe that nobody writes to would keep whoever opens it for ever.
  @Test func aPipeIsNoFile() throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appending(path: "adapter_model.safetensors").path
      try #require(mkfifo(pipe, 0o600) == 0)
      try folder.fill(["adapter_config.json": "{}"])
      let attack = Attack("pipe", "is neither a file nor a link to one") { [] }
      try attack.expectRefusal { _ in _ = try Bundles.Bundle.open(folder.path, wanting: [.adapter]) }
      for read in [{ _ = try Bytes(mapping: pipe) }, { _ = try SafetensorsStream(path: pipe) }] {
        try Attack("pipe", "is not a regular file") { [] }.expectRefusal(.missingInput) { _ in try read() }
      }
    }
  }

  @Test func limitsAreSettings() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("client.tar", Self.tar(["a/b/c/d", "e"]))
      for (limit, value) in [
        (Limit.entries, 1), (.entrySize, 1), (.totalSize, 1), (.pathLength, 3), (.pathDepth, 2),
      ] {
        var limits = Limits()
        limits[limit] = value
        let failure = try failure { try readAll(ArchiveReader(path, limits: limits)) }
        #expect(failure.advice?.contains("--limit \(limit.rawValue)=N, or 'limits' in a recipe") == true, "\(failure)")
      }
      let compressed = try folder.file("client.tar.gz", compress(Self.tar(["a"]), as: .gzip))
      var limits = Limits()
      limits[.ratioFloor] = 0
      limits[.ratio] = 2
      #expect(try failure { try readAll(ArchiveReader(compressed, limits: limits)) }.advice?.contains("ratio") == true)
    }
  }
}
