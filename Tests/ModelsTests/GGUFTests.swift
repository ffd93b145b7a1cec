import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Models

@Suite struct GGUFTests {
  static let models = ["llama-linear", "llama3", "mistral-full", "qwen2", "qwen3"]

  @Test(arguments: models) func holdsTheSameModelAsTheFolder(_ name: String) throws {
    let model = try LanguageModel(at: fixture("gguf/\(name).gguf"))
    let folder = try LanguageModel(at: fixture("models/\(name)"))
    var want = try parts(of: folder)
    let quantized = fixture("gguf/\(name).safetensors")
    if FileManager.default.fileExists(atPath: quantized) {
      for (key, tensor) in try SafetensorsFile(Bytes(mapping: quantized)).tensors { want[key] = try tensor.floats() }
      if name == "qwen2" || name == "qwen3" || name == "llama3" {
        want["lm_head.weight"] = want["model.embed_tokens.weight"]
      }
    }
    let found = try parts(of: model)
    #expect(Set(found.keys) == Set(want.keys))
    for (key, values) in want { #expect(bits(found[key] ?? []) == bits(values), "\(key)") }
    var shape = folder.shape
    shape.family = name.hasPrefix("qwen") ? shape.family : "llama"
    // The frequencies of llama3 are divided by one factor each, where transformers takes several steps.
    for (a, b) in zip(model.shape.rotation.frequencies, shape.rotation.frequencies) {
      #expect(abs(Int(a.bitPattern) - Int(b.bitPattern)) <= (name == "llama3" ? 3 : 0))
    }
    shape.rotation = model.shape.rotation
    #expect(model.shape == shape)
  }

  @Test func readsEveryTypeOfMetadata() throws {
    let metadata = try GGUFFile(Bytes(mapping: fixture("gguf/metadata.gguf"))).metadata
    #expect(metadata["of.uint8"] == .integer(255))
    #expect(metadata["of.int8"] == .integer(-128))
    #expect(metadata["of.uint16"] == .integer(65535))
    #expect(metadata["of.int16"] == .integer(-32768))
    #expect(metadata["of.uint32"] == .integer(4_294_967_295))
    #expect(metadata["of.int32"] == .integer(-2_147_483_648))
    #expect(metadata["of.uint64"] == .unsigned(.max))
    #expect(metadata["of.int64"] == .integer(.min))
    #expect(metadata["of.float32"] == .number(Double(Float(0.1))))
    #expect(metadata["of.float64"] == .number(0.1))
    #expect(metadata["of.bool"] == .flag(true))
    #expect(metadata["of.text"] == .text("Ġa — 語 🙂"))
    #expect(metadata["of.texts"] == .array([.text(""), .text("é"), .text("<s>")]))
    #expect(metadata["of.numbers"] == .array([.integer(1), .integer(-2), .integer(3)]))
    #expect(metadata["of.floats"] == .array([.number(0.5), .number(1.5)]))
    #expect(metadata["of.lists"] == .array([.array([.integer(1), .integer(2)]), .array([.integer(3)])]))
  }

  @Test func givesValuesByTheirType() throws {
    let file = try GGUFFile(Bytes(mapping: fixture("gguf/metadata.gguf")))
    #expect(try file.metadata.text("of.text") == "Ġa — 語 🙂")
    #expect(try file.metadata.integer("of.int8") == -128)
    #expect(try file.metadata.flag("of.bool") == true)
    #expect(try file.metadata.texts("of.texts") == ["", "é", "<s>"])
    #expect(try file.metadata.integers("of.numbers") == [1, -2, 3])
    #expect(try file.metadata.numbers("of.floats") == [0.5, 1.5])
    #expect(try file.metadata.text("of.none") == nil && file.metadata.texts("of.none") == nil)
    expectFailure(.badData, "'of.bool' is not a text") { try file.metadata.text("of.bool") }
    expectFailure(.badData, "'of.text' is not a list of texts") { try file.metadata.texts("of.text") }
    expectFailure(.badData, "'of.numbers' is not a list of texts") { try file.metadata.texts("of.numbers") }
    expectFailure(.badData, "'of.uint64' is not a whole number") { try file.metadata.integer("of.uint64") }
  }

  /// A file with these pairs and tensors; a tensor is its name, type, extents (innermost first), offset and bytes.
  func file(
    _ pairs: [(String, GGUFValue)], _ tensors: [(String, UInt32, [UInt64], UInt64)] = [], data: Int = 0
  ) -> Bytes {
    func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }
    func encoded(_ value: GGUFValue) -> (UInt32, [UInt8]) {
      switch value {
      case .integer(let number): return (11, little(Int64(number)))
      case .unsigned(let number): return (10, little(number))
      case .number(let number): return (12, little(number.bitPattern))
      case .flag(let flag): return (7, [flag ? 1 : 0])
      case .text(let string): return (8, text(string))
      case .array(let elements):
        let parts = elements.map { encoded($0) }
        return (9, little(parts.first?.0 ?? 0) + little(UInt64(parts.count)) + parts.flatMap(\.1))
      }
    }
    var bytes = Array("GGUF".utf8) + little(UInt32(3)) + little(UInt64(tensors.count)) + little(UInt64(pairs.count))
    for (key, content) in pairs {
      let (type, rest) = encoded(content)
      bytes += text(key) + little(type) + rest
    }
    for (name, type, extents, offset) in tensors {
      bytes += text(name) + little(UInt32(extents.count)) + extents.flatMap { little($0) } + little(type)
      bytes += little(offset)
    }
    bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32 + data)
    return Bytes(bytes)
  }

  @Test func refusesTensorsThatDoNotFitTheFile() throws {
    let wrong: [([(String, UInt32, [UInt64], UInt64)], String)] = [
      ([("a", 0, [8], 32)], "ends beyond the file"),
      ([("a", 0, [9], 0)], "ends beyond the file"),
      ([("a", 0, [4], 0), ("b", 0, [4], 0)], "overlaps"),
      ([("a", 0, [4], 0), ("a", 0, [4], 0)], "twice"),
      ([("a", 0, [4], 8)], "not a multiple of 32"),
      ([("a", 0, [4], .max - 31)], "not a multiple of 32"),
      ([("a", 0, [4], UInt64(Int.max) - 31)], "ends beyond the file"),
      ([("a", 0, [.max], 0)], "has an extent of"),
      ([("a", 0, [1 << 62, 1 << 62], 0)], "not a whole number of blocks"),
      ([("a", 0, [0], 0)], "has an extent of 0"),
      ([("a", 0, [], 0)], "has 0 axes"),
      ([("a", 0, [1, 1, 1, 1, 1], 0)], "has 5 axes"),
      ([("a", 8, [31], 0)], "not a whole number of blocks"),
      ([("a", 13, [256], 0)], "is stored as Q5_K"),
      ([("a", 99, [32], 0)], "the unknown type 99"),
    ]
    for (tensors, words) in wrong {
      expectFailure(.badData, words) { try GGUFFile(file([], tensors, data: 32)) }
    }
    #expect(try GGUFFile(file([], [("a", 0, [4, 2], 0)], data: 32)).tensors["a"]?.shape == [2, 4])
  }

  @Test func refusesHeadersThatAskForTooMuch() throws {
    func patched(_ place: Int, _ bytes: [UInt8]) throws -> Bytes {
      var file = try Array(Data(contentsOf: URL(filePath: fixture("gguf/qwen2.gguf"))))
      file.replaceSubrange(place..<place + bytes.count, with: bytes)
      return Bytes(file)
    }
    expectFailure(.badData, "version 2") { try GGUFFile(patched(4, [2])) }
    expectFailure(.badData, "is big-endian") { try GGUFFile(patched(4, [0, 0, 0, 3])) }
    let many = [UInt8](repeating: 0xFF, count: 8)
    expectFailure(.badData, "more than the file has room for") { try GGUFFile(patched(8, many)) }
    expectFailure(.badData, "more than the file has room for") { try GGUFFile(patched(16, many)) }
    var limits = Limits()
    limits[.jsonValues] = 50
    expectFailure(.badData, "more than 50 values") {
      try GGUFFile(Bytes(mapping: fixture("gguf/qwen2.gguf")), limits: limits)
    }
    limits = Limits()
    limits[.headerSize] = 500
    expectFailure(.badData, "limit of 500 bytes") {
      try GGUFFile(Bytes(mapping: fixture("gguf/qwen2.gguf")), limits: limits)
    }
    let deep = (0..<100).reduce(GGUFValue.array([])) { value, _ in .array([value]) }
    expectFailure(.badData, "nests deeper than") { try GGUFFile(file([("a", deep)])) }
    expectFailure(.badData, "twice") { try GGUFFile(file([("a", .flag(true)), ("a", .flag(true))])) }
    for alignment in [0, 3, -32, 1 << 40] {
      expectFailure(.badData, "not a power of two") {
        try GGUFFile(file([("general.alignment", .integer(alignment))]))
      }
    }
  }

  static let settings: [(String, GGUFValue)] = [
    ("general.architecture", .text("llama")), ("llama.embedding_length", .integer(8)),
    ("llama.block_count", .integer(1)), ("llama.attention.head_count", .integer(2)),
    ("llama.context_length", .integer(64)), ("llama.feed_forward_length", .integer(4)),
    ("llama.attention.layer_norm_rms_epsilon", .number(1e-5)),
  ]

  @Test func refusesSettingsByName() throws {
    let refusals: [(String, GGUFValue?, String)] = [
      ("general.architecture", .text("gemma2"), "of the architecture 'gemma2'"),
      ("general.architecture", nil, "has no 'general.architecture'"),
      ("general.type", .text("adapter"), "holds 'adapter' instead of a model"),
      ("general.type", .integer(1), "'general.type' is not a text"),
      ("split.count", .integer(3), "one of 3 parts"),
      ("llama.embedding_length", nil, "has no setting 'llama.embedding_length'"),
      ("llama.attention.head_count", .array([.integer(2)]), "'llama.attention.head_count' is a list"),
      ("llama.attention.head_count_kv", .integer(3), "is not a multiple of"),
      ("llama.attention.key_length", .integer(3), "cannot be rotated in pairs"),
      ("llama.attention.value_length", .integer(6), "have different widths"),
      ("llama.rope.dimension_count", .integer(2), "have different widths"),
      ("llama.rope.scaling.type", .text("longrope"), "scaled by 'longrope'"),
      ("llama.rope.scaling.type", .text("yarn"), "has no setting 'llama.rope.scaling.factor'"),
      ("llama.rope.scaling.attn_factor", .number(2), "'llama.rope.scaling.attn_factor' is not understood"),
      ("llama.rope.freq_base", .number(.nan), "'llama.rope.freq_base'"),
      ("llama.expert_count", .integer(8), "the model has experts"),
      ("llama.attention.sliding_window", .integer(16), "'llama.attention.sliding_window' is 16"),
      ("llama.tensor_data_layout", .text("other"), "which is not known"),
      ("llama.logit_scale", .number(2), "'llama.logit_scale' is not understood"),
      ("llama.vocab_size", .integer(5), "but there are 0 embeddings"),
      ("llama.block_count", .integer(1 << 40), "'llama.block_count'"),
      ("llama.embedding_length", .unsigned(.max), "'llama.embedding_length'"),
    ]
    for (key, value, words) in refusals {
      let pairs = Self.settings.filter { $0.0 != key } + (value.map { [(key, $0)] } ?? [])
      expectFailure(.badData, words) { try GGUFModel(GGUFFile(file(pairs)), path: "m.gguf").model() }
    }
  }
}
