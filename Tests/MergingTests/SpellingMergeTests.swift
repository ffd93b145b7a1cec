import Adapters
import Diagnostics
import Foundation
import JSON
import Recipes
import Tensors
import TestSupport
import Testing

@testable import Merging
@testable import Runs

/// Clients that spell the names of one model differently, or give its layers different roles.
@Suite struct SpellingMergeTests {
  /// A PEFT folder whose numbers depend on `seed` and the order of the shapes, and not on names.
  private func write(
    _ folder: URL, seed: UInt64, config: JSONObject = JSONObject(), _ shapes: KeyValuePairs<String, [Int]>
  ) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var fields = JSONObject([
      ("peft_type", "LORA"), ("r", 4), ("lora_alpha", 8), ("target_modules", ["proj"]),
      ("base_model_name_or_path", "base"),
    ])
    for member in config.members { fields[member.key] = member.value }
    try JSONValue.object(fields).text().write(
      to: folder.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
    var tensors: [String: Tensor] = [:]
    for (index, (name, shape)) in shapes.enumerated() {
      let stream = RandomStream(seed: seed, "\(index)")
      let values = (0..<shape.reduce(1, *)).map { Float(stream.block(UInt64($0)).0 >> 40) / Float(1 << 24) - 0.5 }
      tensors[name] = Tensor(values, shape: shape)
    }
    try Data(safetensors(tensors)).write(to: folder.appending(path: "adapter_model.safetensors"))
    return folder.path
  }

  /// Merges two clients, a and b.
  private func merge(
    _ a: KeyValuePairs<String, [Int]>, _ b: KeyValuePairs<String, [Int]>, configs: [JSONObject] = [],
    _ settings: [(path: String, value: String)] = []
  ) throws -> (adapter: Adapter, record: RunOutcome, names: Set<String>) {
    try withTemporaryFolder { folder in
      let paths = try [a, b].enumerated().map { index, shapes in
        try write(
          folder.appending(path: ["a", "b"][index]), seed: UInt64(index),
          config: index < configs.count ? configs[index] : [:],
          shapes)
      }
      let merge = TestMerge(inputs: paths, settings: [("merge.method", "average")] + settings)
      let result = try merge.result()
      let file = folder.appending(path: "result.safetensors")
      try result.bytes.write(to: file)
      return (result.adapter, result.record, Set(try SafetensorsFile(Bytes(mapping: file.path)).names))
    }
  }

  private static let average = [(path: "merge.absolute", value: "average")]

  @Test(arguments: [
    "base_model.model.module.", "_forward_module.base_model.model.", "base_model.model.base_model.model.",
    "module.module.base_model.model._orig_mod.", "student.base_model.model.",
  ]) func `what wrappers leave in names changes nothing`(_ prefix: String) throws {
    func shapes(_ prefix: String) -> KeyValuePairs<String, [Int]> {
      [
        prefix + "m.0.proj.lora_A.weight": [4, 6], prefix + "m.0.proj.lora_B.weight": [5, 4],
        prefix + "head.weight": [3, 2],
      ]
    }
    let plain = try merge(shapes("base_model.model."), shapes("base_model.model."), Self.average)
    let wrapped = try merge(shapes(prefix), shapes("base_model.model."), Self.average)
    #expect(Set(wrapped.adapter.modules.keys) == ["m.0.proj"])
    #expect(try deltasOf(wrapped.adapter) == deltasOf(plain.adapter))
    #expect(wrapped.names == plain.names)
    #expect(try wrapped.adapter.absolutes["head.weight"]?.floats() == plain.adapter.absolutes["head.weight"]?.floats())
    #expect(wrapped.record.notes.contains { $0.text.hasPrefix("a: the tensors' names contain what wrappers added") })
  }

  @Test func `biases are written where PEFT has them`() throws {
    // b adapts another layer, so its bias of `x.proj` has no LoRA layer around it.
    let result = try merge(
      [
        "x.proj.lora_A.weight": [4, 6], "x.proj.lora_B.weight": [5, 4], "x.proj.base_layer.bias": [5], "norm.bias": [6],
      ],
      ["y.proj.lora_A.weight": [4, 6], "y.proj.lora_B.weight": [5, 4], "x.proj.bias": [5], "norm.bias": [6]],
      Self.average)
    #expect(Set(result.adapter.absolutes.keys) == ["x.proj.bias", "norm.bias"])
    #expect(result.names.contains("base_model.model.x.proj.base_layer.bias"))
    #expect(result.names.contains("base_model.model.norm.bias"))
    #expect(!result.names.contains("base_model.model.x.proj.bias"))
  }

  private static let lora: KeyValuePairs = [
    "q.lora_A.weight": [4, 6], "q.lora_B.weight": [5, 4], "lm_head.lora_A.weight": [4, 6],
    "lm_head.lora_B.weight": [9, 4], "lm_head.base_layer.weight": [9, 6],
  ]
  private static let replaced: KeyValuePairs = [
    "q.lora_A.weight": [4, 6], "q.lora_B.weight": [5, 4], "lm_head.modules_to_save.default.weight": [9, 6],
  ]
  private static let message =
    "client 'b' replaces 'lm_head.weight' whole, and client 'a' adapts 'lm_head' with LoRA: PEFT does not support both in one adapter"

  @Test(arguments: ["refuse", "average", "{take: b}"])
  func `a layer that one client adapts and another replaces is refused`(_ policy: String) {
    let failure = #expect(throws: Failure.self) {
      try merge(Self.lora, Self.replaced, [("merge.absolute", policy)])
    }
    #expect(failure?.message == Self.message)
    #expect(failure?.kind == .badData && failure?.client == "b" && failure?.tensor == "lm_head.weight")
  }

  @Test func `an embedding that one client adapts and another replaces is refused`() {
    let failure = #expect(throws: Failure.self) {
      try merge(
        ["e.lora_embedding_A": [4, 9], "e.lora_embedding_B": [6, 4]],
        ["q.lora_A.weight": [4, 6], "q.lora_B.weight": [5, 4], "e.weight": [9, 6]], Self.average)
    }
    #expect(failure?.message.hasPrefix("client 'b' replaces 'e.weight' whole, and client 'a' adapts 'e'") == true)
  }

  @Test func `a replaced layer that is left out has no role`() throws {
    let dropped = try merge(Self.lora, Self.replaced, [("merge.absolute", "drop")])
    #expect(dropped.adapter.absolutes.isEmpty && Set(dropped.adapter.modules.keys) == ["q", "lm_head"])
    let taken = try merge(Self.lora, Self.replaced, [("merge.absolute", "{take: a}")])
    #expect(Set(taken.adapter.absolutes.keys) == ["lm_head.weight"])
    #expect(taken.names.contains("base_model.model.lm_head.base_layer.weight"))
    // Both adapt it: the base's weight below LoRA's layer is a value as any other.
    let both = try merge(Self.lora, Self.lora, Self.average)
    #expect(both.names.contains("base_model.model.lm_head.base_layer.weight"))
  }

  @Test func `one head under two names is refused where it gets into the result`() throws {
    func shapes(_ head: String) -> KeyValuePairs<String, [Int]> {
      ["q.lora_A.weight": [4, 6], "q.lora_B.weight": [5, 4], head: [9, 6]]
    }
    let failure = #expect(throws: Failure.self) {
      try merge(shapes("lm_head.weight"), shapes("language_model.lm_head.weight"), Self.average)
    }
    #expect(
      failure?.message.hasPrefix(
        "client 'a' has 'lm_head.weight' but client 'b' has 'language_model.lm_head.weight'") == true)
    _ = try merge(shapes("lm_head.weight"), shapes("language_model.lm_head.weight"), [("merge.absolute", "drop")])
  }

  @Test func `clients that share no module are merged, and told`() throws {
    let result = try merge(
      ["x.lora_A.weight": [4, 6], "x.lora_B.weight": [5, 4]], ["y.lora_A.weight": [4, 6], "y.lora_B.weight": [5, 4]])
    #expect(Set(result.adapter.modules.keys) == ["x", "y"])
    #expect(
      result.record.notes.contains {
        $0.severity == .warning && $0.text.hasPrefix("client 'a' shares no module with client 'b' ('x' and 'y')")
      })
  }

  @Test func `one layer under two names is refused`() {
    let failure = #expect(throws: Failure.self) {
      try merge(
        ["model.layers.0.q.lora_A.weight": [4, 6], "model.layers.0.q.lora_B.weight": [5, 4]],
        ["base_model.model.layers.0.q.lora_A.weight": [4, 6], "base_model.model.layers.0.q.lora_B.weight": [5, 4]])
    }
    #expect(failure?.message.hasPrefix("client 'a' has 'model.layers.0.q' but client 'b' has 'layers.0.q'") == true)
  }

  @Test func `clients are not scored against an anchor that names its layers otherwise`() throws {
    try withTemporaryFolder { folder in
      let paths = try ["model.", "model.", ""].enumerated().map { index, front in
        try write(
          folder.appending(path: "c\(index)"), seed: UInt64(index),
          [front + "layers.0.q.lora_A.weight": [4, 6], front + "layers.0.q.lora_B.weight": [5, 4]])
      }
      func score(_ paths: [String]) throws -> Bench.Scored {
        let settings = [("score.scorer", "trajectory"), ("clients.1.anchor", "true")]
        return try Bench(catalog: builtInCatalog(), threads: 2).score(
          TestMerge(inputs: paths, settings: settings).recipe)
      }
      #expect(try score([paths[0], paths[1]]).table.rows.count == 2)
      let failure = #expect(throws: Failure.self) { try score([paths[0], paths[2]]) }
      #expect(
        failure?.message.hasPrefix("client 'c0' has 'model.layers.0.q' but client 'c2' has 'layers.0.q'") == true)
    }
  }

  @Test func `a filter may be copied from the file`() throws {
    let filter = "base_model.model.module.m.0.proj"
    func lambda(_ filter: String) throws -> [String: [Double]] {
      try deltasOf(
        merge(
          [
            "base_model.model.module.m.0.proj.lora_A.weight": [4, 6],
            "base_model.model.module.m.0.proj.lora_B.weight": [5, 4],
          ],
          ["m.0.proj.lora_A.weight": [4, 6], "m.0.proj.lora_B.weight": [5, 4]],
          [
            ("merge.method", "ties"),
            ("merge.parameters.lambda", "[{filter: \(filter), value: 2}, {filter: '*', value: 1}]"),
          ]
        ).adapter)
    }
    #expect(try lambda(filter) == lambda("m.0.proj"))
    #expect(throws: Failure.self) { try lambda("base_model.model.module.k") }
  }

  /// Swift takes both spellings for one name, PEFT for two.
  @Test func refusesOneNameInTwoUnicodeForms() throws {
    func shapes(_ a: String, _ b: String) -> KeyValuePairs<String, [Int]> {
      ["base_model.model.\(a).proj.lora_A.weight": [4, 6], "base_model.model.\(b).proj.lora_B.weight": [5, 4]]
    }
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    expectFailure(
      .badData,
      "client 'a' has 'caf\\u{e9}' but client 'b' has 'cafe\\u{301}': one name in two spellings"
    ) { try merge(shapes(composed, composed), shapes(decomposed, decomposed)) }
    expectFailure(.badData, "a layer is spelled in two ways") {
      try merge(shapes(composed, decomposed), shapes(composed, composed))
    }
    #expect(try merge(shapes(decomposed, decomposed), shapes(decomposed, decomposed)).adapter.modules.count == 1)
  }
}
