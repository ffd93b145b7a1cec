import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Models

/// Whatever stands in the files of a model, opening it ends with the model or with a failure.
@Suite struct HostileModelTests {
  /// Opens what `bytes` make of a model; returns whether they make one.
  func opens(_ body: () throws -> LanguageModel) -> Bool {
    do {
      let model = try body()
      _ = try parts(of: model)
      _ = try? model.checkThatMatricesAreFinite()
      return true
    } catch let failure as Failure {
      #expect(failure.kind == .badData || failure.kind == .missingInput, "\(failure)")
      #expect(!failure.message.isEmpty)
      return false
    } catch {
      Issue.record("an error that is no Failure: \(error)")
      return false
    }
  }

  func contents(_ path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(filePath: fixture(path)))) }

  func gguf(_ bytes: [UInt8]) -> Bool {
    opens { try GGUFModel(try GGUFFile(Bytes(bytes)), path: "m.gguf").model() }
  }

  /// Where the data starts.
  func headerLength(_ bytes: [UInt8]) throws -> Int {
    let file = Bytes(bytes)
    return try #require(try GGUFFile(file).tensors.values.compactMap { $0.bytes.offset(in: file) }.min())
  }

  @Test(arguments: ["qwen2", "llama-linear"]) func survivesGGUFCutAnywhere(_ name: String) throws {
    let whole = try contents("gguf/\(name).gguf")
    for length in 0..<(try headerLength(whole)) { #expect(!gguf(Array(whole[..<length]))) }
    for length in stride(from: try headerLength(whole), to: whole.count, by: 997) {
      #expect(!gguf(Array(whole[..<length])))
    }
    #expect(gguf(whole))
  }

  @Test func survivesGGUFWithFlippedBytes() throws {
    var random = SplitMix64(seed: 11)
    for name in GGUFTests.models {
      let whole = try contents("gguf/\(name).gguf")
      let header = try headerLength(whole)
      for _ in 0..<1500 {
        var spoiled = whole
        for _ in 0...random.below(3) { spoiled[random.below(header)] = random.byte() }
        _ = gguf(spoiled)
      }
    }
  }

  @Test func survivesFoldersCutAnywhere() throws {
    let config = try contents("models/qwen3-window/config.json")
    // The last byte ends the line.
    for length in 0..<config.count - 1 {
      #expect(throws: Failure.self) { try HuggingFaceConfig(Bytes(config[..<length])) }
    }
    let index = try contents("models/mistral/model.safetensors.index.json")
    for length in 0..<index.count - 1 {
      #expect(throws: Failure.self) { try HuggingFaceFolder.index(Bytes(index[..<length]), limits: Limits()) }
    }
    try withTemporaryFolder { folder in
      let whole = try contents("models/llama-bare/model.safetensors")
      try Data(contents("models/llama-bare/config.json")).write(to: folder.appending(path: "config.json"))
      for length in Array(0..<40) + Array(stride(from: 40, to: whole.count, by: 61)) {
        try Data(whole[..<length]).write(to: folder.appending(path: "model.safetensors"))
        #expect(!opens { try LanguageModel(at: folder.path) })
      }
    }
  }

  @Test func survivesConfigsWithFlippedBytes() throws {
    var random = SplitMix64(seed: 12)
    for name in savedModels {
      let whole = try contents("models/\(name)/config.json")
      for round in 0..<1000 {
        var spoiled = whole
        switch round % 3 {
        case 0: for _ in 0...random.below(3) { spoiled[random.below(whole.count)] = random.byte() }
        case 1:
          // Digits turn numbers into others, which is what gets past the reader of JSON.
          let digits = whole.indices.filter { (0x30...0x39).contains(whole[$0]) }
          for _ in 0...random.below(4) { spoiled[digits[random.below(digits.count)]] = UInt8(0x30 + random.below(10)) }
        default:
          let digits = whole.indices.filter { (0x30...0x39).contains(whole[$0]) }
          let place = digits[random.below(digits.count)]
          let numerals = [
            "0", "-1", "1e308", "1e-320", "9223372036854775807", "-9223372036854775808", "null", "[]", "0.5",
          ]
          spoiled.replaceSubrange(place...place, with: numerals[random.below(numerals.count)].utf8)
        }
        do {
          _ = try HuggingFaceConfig(Bytes(spoiled))
        } catch {
          #expect(error is Failure)
        }
      }
    }
  }

  @Test func survivesFoldersWithFlippedBytes() throws {
    var random = SplitMix64(seed: 13)
    let shards = (1...3).map { "model-0000\($0)-of-00003.safetensors" }
    let names = ["config.json", "model.safetensors.index.json"] + shards
    let whole = try names.map { try contents("models/mistral/\($0)") }
    try withTemporaryFolder { folder in
      for (name, bytes) in zip(names, whole) { try Data(bytes).write(to: folder.appending(path: name)) }
      #expect(opens { try LanguageModel(at: folder.path) })
      for _ in 0..<600 {
        let place = random.below(names.count)
        var spoiled = whole[place]
        // The header of a shard ends before its first two thousand bytes do.
        let reach = min(spoiled.count, 2000)
        for _ in 0...random.below(3) { spoiled[random.below(reach)] = random.byte() }
        if random.below(10) == 0 { spoiled.removeLast(random.below(spoiled.count)) }
        let file = folder.appending(path: names[place])
        try Data(spoiled).write(to: file)
        _ = opens { try LanguageModel(at: folder.path) }
        try Data(whole[place]).write(to: file)
      }
    }
  }
}

extension SplitMix64 {
  fileprivate mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  fileprivate mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}
