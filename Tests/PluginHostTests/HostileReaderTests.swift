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
        return
      }
      var reader = try WireReader(bytes)
      switch name {
      case "doubles": _ = try reader.doubles()
      case "integer": _ = try reader.integer()
      case "needs": _ = try reader.needs()
      case "scores": _ = try reader.scores()
      case "unit": _ = try reader.mergeUnit()
      case "checkpoint": _ = try reader.checkpoint()
      default: _ = try reader.tensor()
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

  /// Counts whose product overflows are no size of anything.
  @Test func countsThatOverflowAreRefused() throws {
    for (rows, columns) in [(Int.max, 2), (1 << 32, 1 << 32), (-1, 24)] {
      var payload = WireWriter()
      payload.add(rows)
      payload.add(columns)
      payload.lend([0, 0], count: 0)
      var bytes = [UInt8](repeating: 0, count: payload.size)
      try bytes.withUnsafeMutableBytes { try payload.write(to: $0.baseAddress!) }
      try bytes.withUnsafeBytes { bytes in
        var reader = try WireReader(bytes)
        let counts = (try reader.integer(), try reader.integer())
        let failure = #expect(throws: Failure.self) { try reader.floats(counts.0, counts.1) }
        #expect(failure?.kind == .pluginFailed)
      }
    }
  }
}
