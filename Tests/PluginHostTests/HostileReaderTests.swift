import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import PluginHost

/// What is read of a library that nobody trusts, and of a worker: it makes sense, or it is refused.
@Suite struct HostileReaderTests {
  private static func seeds(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
    let folder = repository.appending(path: "Fuzz/seeds/\(target)")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      ($0, try Array(Data(contentsOf: folder.appending(path: $0))))
    }
  }

  private func library(_ bytes: [UInt8]) throws {
    _ = try exportedSymbols(of: Bytes(bytes))
    _ = try PluginLibraryFile(described: PluginManifest.read(from: Bytes(bytes)), path: "p.so")
  }

  private func answer(_ name: String, _ bytes: [UInt8]) throws {
    try Array(bytes.dropFirst()).withUnsafeBytes { bytes in
      if name == "done" || name == "log" {
        guard Message(bytes) != nil else { throw Failure(.pluginFailed, "nobody understands it") }
      } else {
        _ = try AnswerTexts.unpack(bytes)
      }
    }
  }

  /// Every cut and every byte set to what tends to be forgotten; all else than a ``Failure`` ends the test.
  private func disturb(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) throws {
    func attempt(_ bytes: [UInt8]) throws {
      do { try read(bytes) } catch is Failure {}
    }
    for index in bytes.indices {
      try attempt(Array(bytes[..<index]))
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF, bytes[index] ^ 1] {
        var changed = bytes
        changed[index] = value
        try attempt(changed)
      }
    }
    // Numbers that overflow when they are added or multiplied.
    for index in bytes.indices.dropLast(8) {
      for value in [UInt64.max, 1 << 63, 1 << 62, UInt64(bytes.count)] {
        var changed = bytes
        withUnsafeBytes(of: value) { changed.replaceSubrange(index..<index + 8, with: $0) }
        try attempt(changed)
      }
    }
  }

  @Test func seedsAreWhatTheyAreMeantToBe() throws {
    for seed in try Self.seeds("plugin") {
      try library(seed.bytes)
      #expect(try exportedSymbols(of: Bytes(seed.bytes)) == ["clues_plugin_entry_v1"])
    }
    for seed in try Self.seeds("worker") { try answer(seed.name, seed.bytes) }
  }

  @Test func aLibraryMakesSenseOrIsRefused() throws {
    for seed in try Self.seeds("plugin") { try disturb(seed.bytes, library) }
  }

  @Test func anAnswerMakesSenseOrIsRefused() throws {
    for seed in try Self.seeds("worker") { try disturb(seed.bytes) { try answer(seed.name, $0) } }
  }

  /// What a worker says of the address of a region is only ever added to.
  @Test(arguments: [0, 64, 4097, 1 << 56, UInt64.max, UInt64.max - 4095]) func addressesThatCannotBeAreRefused(
    _ address: UInt64
  ) throws {
    #expect(SharedMemory(try SharedRegion(size: 1, for: .input), at: address) == nil)
  }
}
