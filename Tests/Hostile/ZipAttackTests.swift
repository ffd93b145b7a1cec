import Adapters
import Bundles
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Zips that tell two stories, so that two readers would see two archives. A bundle and optimizer.pt are read by the same
/// directory, and refuse the same.
@Suite struct ZipAttackTests {
  private static let names = ["run/adapter_config.json", "run/adapter_model.safetensors"]

  static let good = ZipWriter(records: names.map { .init(name: $0, bytes: Array("{}".utf8)) })

  private static func zip(_ change: (inout ZipWriter) -> Void) -> [UInt8] {
    var zip = good
    change(&zip)
    return zip.bytes()
  }

  private static let differs = "is described differently in the directory and in its own header"
  private static let belongsToNone = "that belong to no entry"

  static let attacks: [Attack] = [
    Attack("two zips glued together", "that does not end where the file does") { good.bytes() + good.bytes() },
    Attack("two zips, the second with right offsets", "has bytes before its first entry") {
      zip { $0.head = good.bytes() }
    },
    Attack("a byte after the end", "continues after the end of the zip") { good.bytes() + [0] },
    Attack("many bytes after the end", "has no ZIP directory at its end") {
      good.bytes() + [UInt8](repeating: 0, count: 70_000)
    },
    Attack("a script in front", "that does not end where the file does") {
      zip { $0.prefix = Array("PK\u{3}\u{4}#!/bin/sh\n".utf8) }
    },
    Attack("a script in front that the offsets know of", "has bytes before its first entry") {
      zip { $0.head = Array("PK\u{3}\u{4}#!/bin/sh\n".utf8) }
    },
    Attack("a directory in the comment of another", "has two ends") {
      zip { $0.comment = ZipWriter(records: []).bytes() }
    },
    Attack("bytes between entries", belongsToNone) { zip { $0.records[0].tail = [1, 2, 3] } },
    Attack("an entry that no directory lists", belongsToNone) {
      zip {
        $0.records[0].tail = Array(
          ZipWriter(records: [.init(name: "run/evil", bytes: [1])]).bytes().prefix(70))
      }
    },
    Attack("bytes before the directory", belongsToNone) {
      zip { $0.records[1].tail = [UInt8](repeating: 0, count: 16) }
    },
    Attack("an end that counts one entry less", "has a ZIP directory with more than the 1 entries it claims") {
      zip { $0.count = 1 }
    },
    Attack("an end that counts one entry more", "has a damaged ZIP directory") { zip { $0.count = 3 } },
    Attack("an end that counts none", "has a ZIP directory with more than the 0 entries it claims") {
      zip { $0.count = 0 }
    },
    Attack("another name in its place", differs) { zip { $0.records[0].localName = "run/adapter_donfig.json" } },
    Attack("another size in its place", differs) { zip { $0.records[0].localSize = 1 } },
    Attack("another checksum in its place", differs) { zip { $0.records[0].localChecksum = 1 } },
    Attack("no checksum in its place", differs) { zip { $0.records[0].localChecksum = 0 } },
    Attack("another method in its place", differs) { zip { $0.records[0].localMethod = 8 } },
    Attack("encrypted in its place only", differs) { zip { $0.records[0].localFlags = 1 } },
    Attack("with a descriptor in its place only", differs) { zip { $0.records[0].localFlags = 8 } },
    Attack("a descriptor that is missing", belongsToNone) { zip { $0.records[0].flags = 8 } },
    Attack("a descriptor of another size", belongsToNone) {
      zip {
        $0.records[0].flags = 8
        $0.records[0].tail =
          little(UInt32(0x0807_4b50)) + little(ZipWriter.bitwiseCRC(Array("{}".utf8))) + little(UInt32(2))
          + little(UInt32(3))
      }
    },
    Attack("entries that overlap", "overlaps the entry 'run/adapter_model.safetensors'") {
      zip { $0.records[0].size = 60 }
    },
    Attack("two entries in one place", "overlaps the entry") {
      zip { $0.records[1].shift = -$0.bytes().firstRange(of: Array("run/adapter_model".utf8))!.lowerBound + 30 }
    },
    Attack("an entry where none starts", "does not start where the directory says") {
      var bytes = good.bytes()
      let second = try #require(bytes.dropFirst().firstRange(of: [0x50, 0x4B, 3, 4]))
      bytes[second.lowerBound] = 0
      return bytes
    },
    Attack("an entry that starts a byte later", belongsToNone) { zip { $0.records[1].shift = 1 } },
    Attack("an entry beyond the directory", "does not fit into the file") { zip { $0.records[1].shift = 1 << 20 } },
    Attack("two names", "gives one entry two names") {
      zip {
        let name = Array($0.records[0].name.utf8)
        let other = Array("run/evil".utf8)
        $0.records[0].extra =
          little(UInt16(0x7075)) + little(UInt16(5 + other.count)) + [1] + little(ZipWriter.bitwiseCRC(name)) + other
      }
    },
    Attack("two zip64 fields", "lacks its 64-bit size") {
      zip {
        $0.records[0].isWide = true
        $0.records[0].extra =
          little(UInt16(1)) + little(UInt16(24)) + little(UInt64(1)) + little(UInt64(1)) + little(UInt64(0))
      }
    },
  ]

  @Test(arguments: attacks) func isRefusedAsABundle(_ attack: Attack) throws {
    try withTemporaryFolder { folder in
      try attack.expectRefusal { bytes in
        _ = try Bundles.Bundle.open(folder.file("client.zip", bytes), wanting: [.adapter])
      }
    }
  }

  @Test(arguments: attacks) func isRefusedAsAnOptimizerState(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try OptimizerState(Bytes($0)) }
  }

  /// Only a bundle may hold these at all.
  static let entries: [Attack] = [
    Attack("zip: a symbolic link", "is a symbolic link", at: .entry("run/adapter_config.json")) {
      zip { $0.records[0].mode = 0o120777 }
    },
    Attack("zip: a device", "is a device", at: .entry("run/adapter_config.json")) {
      zip { $0.records[0].mode = 0o020644 }
    },
    Attack("zip: a folder that holds bytes", "is a folder that holds bytes of its own", at: .entry("run/x/")) {
      zip { $0.records.append(.init(name: "run/x/", bytes: [1])) }
    },
    Attack("zip: more behind the compressed content", "has data after the end of its compressed content") {
      // One final block of deflate that holds "{}", and a byte.
      zip {
        $0.records[0] = .init(name: names[0], bytes: [1, 2, 0, 0xFD, 0xFF, 0x7B, 0x7D, 0x21], method: 8)
        $0.records[0].size = 2
        $0.records[0].checksum = ZipWriter.bitwiseCRC(Array("{}".utf8))
      }
    },
    Attack("zip: less than it announces", "holds 2 of the 3 bytes it announces") {
      zip {
        $0.records[0] = .init(name: names[0], bytes: [1, 2, 0, 0xFD, 0xFF, 0x7B, 0x7D], method: 8)
        $0.records[0].size = 3
        $0.records[0].checksum = ZipWriter.bitwiseCRC(Array("{}".utf8))
      }
    },
    Attack("zip: compressed content that is cut off", "is truncated") {
      zip {
        $0.records[0] = .init(name: names[0], bytes: [1, 2, 0, 0xFD, 0xFF, 0x7B], method: 8)
        $0.records[0].size = 2
      }
    },
    Attack("zip: a control character in its name", "has a control character in its name") {
      zip { $0.records[0].name = "run/a\u{0}b" }
    },
  ]

  @Test(arguments: entries) func isRefused(_ attack: Attack) throws {
    try withTemporaryFolder { folder in
      try attack.expectRefusal { bytes in
        _ = try Bundles.Bundle.open(folder.file("client.zip", bytes), wanting: [.adapter])
      }
    }
  }

  /// What the attacks change is in order before.
  @Test func isReadOtherwise() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("client.zip", Self.good.bytes())
      #expect(try Bundles.Bundle.open(path, wanting: [.adapter]).files.count == 2)
      var zip = Self.good
      zip.comment = Array("made by hand".utf8)
      #expect(try Bundles.Bundle.open(folder.file("client.zip", zip.bytes()), wanting: [.adapter]).files.count == 2)
    }
  }
}
